/* SPDX-License-Identifier: MIT */
/* Queues, members and requests as the rooms of gateway/queues share them: registry.c (names), pool.c (which member), request.c (the
 * owner's side), home.c (the home's), line.c (who waits), member.c (who serves), stats.c. */
#ifndef GW_QUEUE_PRIV_H
#define GW_QUEUE_PRIV_H

#include <pthread.h>
#include <sys/queue.h>

#include "gateway/engine/loop.h"
#include "gateway/observe/buckets.h"
#include "gateway/queues/request.h"
#include "gateway/queues/stats.h"

/* ---- members ---- */

/* Of targets, of those that users bring, and of either kind that have gone and have tunnels left. */
enum { GW_MEMBERS_MAX = GW_TARGETS_MAX + GW_REVERSE_MEMBERS_MAX, GW_MEMBERS_A_CHUNK = 16, GW_MARK_AFTER = 3 };
#define GW_MARK_NS (10ull * 1000000000) /* how long a member is avoided: by all, or by a request that has tried it */

/* Bits of a member's state, below its generation. */
enum {
    GW_STATE_PRESENT = 1,  /* joined; once it is not, the slot is free when nobody holds it */
    GW_STATE_LEFT = 2,     /* its owner has left; the home will hear of it */
    GW_STATE_DOWN = 4,     /* a health check says so */
    GW_STATE_DRAINING = 8, /* an operator says so */
    GW_STATE_BACKUP = 16,
    /* what of it a member has that takes requests */
    GW_STATE_TAKES = GW_STATE_PRESENT,
    GW_STATE_TAKES_MASK = GW_STATE_PRESENT | GW_STATE_LEFT | GW_STATE_DOWN | GW_STATE_DRAINING,
};

struct gw_member {
    _Atomic uint64_t state;              /* generation << 32 | bits */
    atomic_uint active, limit;           /* UINT_MAX: no limit */
    atomic_uint weight, whole_weight;    /* in parts of GW_WEIGHT_ONE; weight is less during a slow start */
    _Atomic uint64_t vtime, hash;        /* for Balance: see pool.c */
    atomic_uint failed_in_row;           /* connects */
    _Atomic uint64_t marked_until_ns;    /* 0: not marked */
    _Atomic uint64_t connect_timeout_ns; /* 0: the queue's */
    atomic_bool sends_proxy;
    _Atomic uint64_t served, failed;
    _Atomic(const char *) down_reason; /* static; NULL: GW_STATE_DOWN does not stand, or not yet */
    /* Changed by the home under the queue's lock, while nobody holds the slot. Read by who holds the slot, or the lock. */
    struct gw_destination *destination; /* NULL: the slot was never used */
    struct gw_queue *queue;             /* whose slot it is */
    /* the home's */
    uint32_t index;
    bool is_configured, is_named; /* by the snapshot that is being applied */
};

/* ---- who waits: the home alone ---- */

TAILQ_HEAD(gw_line_requests, gw_request);

struct gw_line_user {
    struct gw_line_user *next;       /* in its bucket */
    TAILQ_ENTRY(gw_line_user) turns; /* while it has requests */
    struct gw_line_requests requests;
    unsigned waiting, granted; /* granted: counted under PerUserMaxConn */
    char name[];
};

enum { GW_LINE_BUCKETS = 64 };

TAILQ_HEAD(gw_line_turns, gw_line_user);

/* gw_line_init makes it. */
struct gw_line {
    struct gw_line_user *users[GW_LINE_BUCKETS];
    struct gw_line_turns turns; /* whose is next */
    unsigned waiting;
    struct gw_request *newest; /* that was added last; NULL: it waits no more */
};

void gw_line_init(struct gw_line *l);
/* All users are gone by then. */
void gw_line_deinit(struct gw_line *l);
/* At the end of its user's requests; retries in front of all users. False: out of memory. */
bool gw_line_add(struct gw_line *l, struct gw_request *r);
void gw_line_remove(struct gw_line *l, struct gw_request *r);
/* Who gives way when the newest is one too many: of the user with the most requests the one that came last. */
struct gw_request *gw_line_excess(struct gw_line *l);
/* The same for a request that was granted: its user's next turn is behind all others. counts: the user has one more granted. */
void gw_line_grant(struct gw_line *l, struct gw_request *r, bool counts);
/* A granted request that was counted is over. */
void gw_line_return(struct gw_line *l, struct gw_request *r);

/* ---- queues ---- */

/* Queue times: microseconds, to an eighth, up to 51 days. */
enum { GW_TIME_BITS = 3, GW_TIME_BUCKETS = GW_BUCKETS(42, GW_TIME_BITS) };

struct gw_queue {
    struct gw_registry *registry;
    struct gw_queue *next;               /* in its bucket */
    _Atomic(struct gw_queue *) all_next; /* of the registry */
    unsigned home;

    /* any worker's */
    atomic_uint active, limit;     /* UINT_MAX: no limit */
    atomic_uint waiting;           /* requests that went to the home and were not answered: also those on their way */
    atomic_uint balance;           /* enum gw_balance */
    atomic_bool home_only;         /* PerUserMaxConn is set: only the home can count that */
    _Atomic uint64_t vtime, draws; /* for Balance: see pool.c */
    atomic_bool is_named;          /* by the snapshot that was applied last */
    atomic_bool poked;             /* poke_mail is on its way */
    struct gw_mail poke_mail;
    _Atomic(struct gw_member *) chunks[GW_MEMBERS_MAX / GW_MEMBERS_A_CHUNK];
    atomic_uint member_count; /* slots that were ever used */
    _Atomic uint64_t served, failed;
    _Atomic uint64_t refused[GW_ANSWER_COUNT];
    _Atomic uint64_t queue_times[GW_TIME_BUCKETS];
    pthread_mutex_t lock; /* of the members' destinations, for who reads them without holding the member; and of what follows */
    struct gw_member_user *member_users; /* who has places now; whoever came first is first */
    unsigned reserved;                   /* places of members that users bring: all that they have */

    /* the home's */
    struct gw_line line;
    struct gw_timer mark_timer; /* set while somebody waits, and a member is avoided for a while */
    uint64_t again_ns;          /* when the next of those that wait may try its members again; UINT64_MAX: none */
    unsigned max_queue, per_user_max_conn;
    bool is_configured, hold_for_consumer;
    bool was_applied; /* by the reload that goes on */

    char name[];
};

/* Where a worker is reached. */
struct gw_seat {
    struct gw_inbox *inbox;
    struct gw_loop *loop;
};
const struct gw_seat *gw_registry_seat_of(const struct gw_registry *r, unsigned i);

static inline struct gw_inbox *gw_queue_home_inbox(const struct gw_queue *q)
{
    return gw_registry_seat_of(q->registry, q->home)->inbox;
}

static inline struct gw_loop *gw_queue_home_loop(const struct gw_queue *q)
{
    return gw_registry_seat_of(q->registry, q->home)->loop;
}

/* i: below member_count. */
static inline struct gw_member *gw_queue_member(const struct gw_queue *q, unsigned i)
{
    /* acquire: pairs with the release that published the chunk */
    struct gw_member *chunk = atomic_load_explicit(&q->chunks[i / GW_MEMBERS_A_CHUNK], memory_order_acquire);
    return &chunk[i % GW_MEMBERS_A_CHUNK];
}

/* FNV-1a, folded. */
static inline uint64_t gw_queue_hash(const char *text)
{
    uint64_t h = 14695981039346656037ull;
    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 1099511628211ull;
    return h ^ h >> 32;
}

/* ---- requests ---- */

enum gw_request_state {
    GW_REQUEST_NEW,
    GW_REQUEST_ASKED, /* the home has the word */
    GW_REQUEST_GRANTED,
    GW_REQUEST_SERVED,
    GW_REQUEST_REFUSED,
};

struct gw_request {
    /* the owner's */
    struct gw_registry *registry;
    struct gw_queue *queue;
    unsigned worker;
    enum gw_request_state state;
    bool is_abandoned; /* released while it was asked: ends when its mail is home */
    void (*answered)(struct gw_request *r, void *owner);
    void *owner;
    const struct gw_config *snapshot;
    const struct gw_queue_config *terms;
    struct gw_mail home_mail; /* offer, and when all is over the return of what the home has counted */
    struct gw_mail cancel_mail;
    struct gw_mail answer_mail; /* the home's, while the request is asked */

    /* the home's from home_mail to answer_mail, else the owner's */
    uint64_t asked_ns, deadline_ns; /* 0: none */
    uint64_t waited_ns;             /* for the members it was granted before: it has QueueTimeout once, for all it tries */
    uint64_t source_hash;
    unsigned tries_left;
    unsigned tried_count;
    uint64_t tried[GW_RETRIES_MAX + 1]; /* generation << 32 | index of members that could not be connected */
    struct gw_member *member;           /* held; NULL: none */
    uint64_t member_state;              /* when it was taken */
    struct gw_destination *destination; /* of the last member, held */
    enum gw_answer answer;
    bool is_counted; /* at the home, for its user */

    /* the home's */
    struct gw_line_user *line_user; /* NULL: it does not wait */
    struct gw_line_user *counted_user;
    TAILQ_ENTRY(gw_request) line;
    struct gw_timer timer;
    char user[];
};

/* ---- pool.c: any worker ---- */

enum gw_take {
    GW_TAKE_OK,
    GW_TAKE_QUEUE_FULL,
    GW_TAKE_MEMBERS_FULL, /* one at least is up, and was not tried by r */
    GW_TAKE_TRIED,        /* some are up, and r has tried all of them */
    GW_TAKE_NONE,
};

/* Takes one of the queue's slots and one of a member's for r: member, member_state and destination are set. */
enum gw_take gw_pool_take(struct gw_queue *q, struct gw_request *r, uint64_t now_ns);
/* Gives both back. Does not look who waits: request.c's give_back does. */
void gw_pool_give(struct gw_queue *q, struct gw_member *m);
/* The outcome of a connect to the member. True: its mark has ended, which may let a request through that waits. */
bool gw_pool_connected(struct gw_member *m);
/* True: it is marked from now on. */
bool gw_pool_failed(struct gw_member *m, uint64_t now_ns);
/* When the next mark ends by itself; UINT64_MAX: none does. */
uint64_t gw_pool_next_mark_end_ns(const struct gw_queue *q, uint64_t now_ns);

/* ---- home.c: the home ---- */

/* terms NULL: the queue is no longer named. False: out of memory. */
bool gw_home_apply(struct gw_queue *q, const struct gw_queue_config *terms);
/* Grants to who waits what can be granted, and refuses who waits in vain. */
void gw_home_serve(struct gw_queue *q);
void gw_home_on_offer(struct gw_mail *m, void *receiver);
void gw_home_on_cancel(struct gw_mail *m, void *receiver);
void gw_home_on_return(struct gw_mail *m, void *receiver);
void gw_home_on_poke(struct gw_mail *m, void *receiver);

/* ---- request.c ---- */

/* Any worker, behind whatever may let a request through that waits: the home looks again. */
void gw_request_poke(struct gw_queue *q);
/* The same behind a slot that was given back: pokes where somebody waits. */
void gw_request_look_who_waits(struct gw_queue *q);
void gw_request_on_answer(struct gw_mail *m, void *receiver);
void gw_request_on_cancelled(struct gw_mail *m, void *receiver);
/* All mail is home, and nothing is held. */
void gw_request_free(struct gw_request *r);

/* ---- member.c: the home ---- */

/* A free slot for destination, of which a hold is taken. NULL: none, or out of memory. */
struct gw_member *gw_member_admit(struct gw_queue *q, struct gw_destination *d, const struct gw_member_terms *terms);
void gw_member_set_terms(struct gw_member *m, const struct gw_member_terms *terms);
/* Takes the bit away, or gives it; other bits and the generation stay. */
void gw_member_set_bit(struct gw_member *m, uint64_t bit, bool on);

/* ---- stats.c ---- */

void gw_stats_queue_time(struct gw_queue *q, uint64_t waited_ns);

#endif
