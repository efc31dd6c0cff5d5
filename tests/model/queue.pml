/* SPDX-License-Identifier: MIT */
/* The words between a request's owner and its queue's home, as gateway/queues/request.c, home.c and pool.c say them: offer (by the fast
 * path or to the home), grant, refuse, cancel, release, retry, poke. One queue of two slots, one member of one slot, three requests with an
 * owner each (which is the worst case: requests of one owner are ordered): one waits as long as it takes, one may be tried again once,
 * and one may be that, be abandoned at any time while it is asked, and be
 * refused at any time while it waits (it has waited too long, or gives way in a full line).
 *
 * Proven, over all interleavings of the shared steps (which the C code makes sequentially consistent):
 *   no request waits for ever: an owner that is never answered is an invalid end state;
 *   no slot is given twice, and none is lost: the assertions in take and in init;
 *   each word finds room: a node is never posted while it is on its way.
 *
 * With LOOK_FIRST releasing looks who waits before it gives its slot back; with TAKE_FIRST the home's looks are not preceded by the
 * owner's raising `waiting`; with LOWER_LAST the home lowers the poke's flag behind its look. Each of them loses a wake-up, and the
 * test sees that spin finds it. */

#define REQUESTS 3
#define QUEUE_LIMIT 2
#define MEMBER_LIMIT 1
#define PATIENCE_ENDS 2 /* the request that may be refused */
#define WAITS(at) (length > at && line[at] == PATIENCE_ENDS)

mtype = { OFFER, CANCEL, POKE, GRANT, REFUSED, CANCELLED };

/* Mailboxes keep the order. Each holds every node that could ever be in it: two of each request and the poke; two of a request. */
chan home = [2 * REQUESTS + 1] of { mtype, byte };
chan owner_mail[REQUESTS] = [2] of { mtype };

byte queue_active, member_active, waiting;
bool poked;
byte done;

/* ---- pool.c ---- */

/* Each d_step is one compare-and-swap; what lies between may be interrupted. */
inline take(taken)
{
    taken = false;
    d_step {
        if
        :: queue_active < QUEUE_LIMIT -> queue_active++; taken = true
        :: else
        fi
    }
    if
    :: taken ->
        d_step {
            if
            :: member_active < MEMBER_LIMIT -> member_active++
            :: else -> taken = false
            fi
        }
        if
        :: !taken -> queue_active--
        :: else
        fi
    :: else
    fi
}

/* ---- request.c ---- */

inline poke(was)
{
    d_step { was = poked; poked = true }
    if
    :: !was -> assert(nfull(home)); home ! POKE, 0
    :: else
    fi;
    was = false
}

inline give_back(was)
{
#ifdef LOOK_FIRST
    was = waiting > 0;
#endif
    d_step { assert(member_active > 0); member_active-- }
    d_step { assert(queue_active > 0); queue_active-- }
#ifdef LOOK_FIRST
    if
    :: was -> poke(was)
    :: else
    fi
#else
    if
    :: waiting > 0 -> poke(was)
    :: else
    fi
#endif
}

proctype Owner(byte me; bool may_abandon; bool may_retry)
{
    bool taken = false, was = false, abandoned = false;

offer:
    if
    :: waiting == 0 -> take(taken)
    :: waiting > 0
    fi;
    if
    :: taken -> goto granted
    :: else
    fi;
#ifndef TAKE_FIRST
    waiting++;
#endif
    assert(nfull(home));
    home ! OFFER, me;

    /* asked */
    do
    :: may_abandon ->
        may_abandon = false;
        abandoned = true;
        assert(nfull(home));
        home ! CANCEL, me
    :: owner_mail[me] ? GRANT ->
        if
        :: abandoned -> give_back(was) /* and wait for the cancel to come home */
        :: else -> goto granted
        fi
    :: owner_mail[me] ? REFUSED ->
        if
        :: abandoned -> skip /* and wait for the cancel to come home */
        :: else -> goto gone
        fi
    :: owner_mail[me] ? CANCELLED -> goto gone
    od;

granted:
    taken = false;
    give_back(was); /* served to its end, or failed to connect */
    if
    :: may_retry -> may_retry = false; goto offer
    :: true
    fi;

gone:
    assert(empty(owner_mail[me]));
    done++
}

/* ---- home.c and line.c ---- */

inline take_out(which)
{
    d_step {
        found = false;
        i = 0;
        do
        :: i < length ->
            if
            :: found -> line[i - 1] = line[i]
            :: !found && line[i] == which -> found = true
            :: else
            fi;
            i++
        :: else -> break
        od;
        if
        :: found -> length--; line[length] = 0
        :: else
        fi;
        i = 0
    }
}

proctype Home()
{
    byte line[REQUESTS]; /* the requests that wait, the first one first */
    byte length = 0, r, i;
    bool taken, found;

end:
    do
    :: home ? OFFER, r ->
#ifdef TAKE_FIRST
        take(taken);
        if
        :: taken -> owner_mail[r] ! GRANT; goto end
        :: else
        fi;
        waiting++;
        line[length] = r;
        length++
#else
        line[length] = r;
        length++;
        goto serve
#endif
    :: home ? CANCEL, r ->
        take_out(r);
        if
        :: found -> waiting--; found = false
        :: else
        fi;
        assert(nfull(owner_mail[r]));
        owner_mail[r] ! CANCELLED;
        r = 0
    :: WAITS(0) || WAITS(1) || WAITS(2) -> /* a timer, or the offer before */
        take_out(PATIENCE_ENDS);
        found = false;
        waiting--;
        assert(nfull(owner_mail[PATIENCE_ENDS]));
        owner_mail[PATIENCE_ENDS] ! REFUSED
    :: home ? POKE, r ->
#ifndef LOWER_LAST
        poked = false;
#endif
        goto serve
    od;

serve:
    r = 0;
    do
    :: length > 0 ->
        take(taken);
        if
        :: taken ->
            d_step {
                r = line[0];
                i = 1;
                do
                :: i < length -> line[i - 1] = line[i]; i++
                :: else -> break
                od;
                length--;
                line[length] = 0;
                i = 0;
                taken = false
            }
            waiting--;
            assert(nfull(owner_mail[r]));
            owner_mail[r] ! GRANT;
            r = 0
        :: else -> break
        fi
    :: length == 0 -> break
    od;
#ifdef LOWER_LAST
    poked = false;
#endif
    goto end
}

init
{
    atomic {
        run Home();
        run Owner(0, false, false);
        run Owner(1, false, true);
        run Owner(2, true, true)
    }
    done == REQUESTS;
    assert(queue_active == 0 && member_active == 0 && waiting == 0)
}
