/* SPDX-License-Identifier: MIT */
/* One lock around the count of startups and the state of what was logged: taken twice a connection, by nobody for longer than a
 * walk over the slots. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "gateway/engine/door.h"
#include "gateway/engine/throttle.h"

struct gw_door {
    pthread_mutex_t lock;
    struct gw_startups *startups;
    struct gw_throttle throttle;
    struct cx_random_pool random_pool;
    struct cx_random random;
};

static uint64_t monotonic_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec;
}

struct gw_door *gw_door_new(void)
{
    struct gw_door *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->random = cx_random_system(&d->random_pool);
    d->startups = gw_startups_new(&d->random);
    if (!d->startups) {
        free(d);
        return NULL;
    }
    pthread_mutex_init(&d->lock, NULL);
    return d;
}

void gw_door_free(struct gw_door *d)
{
    pthread_mutex_destroy(&d->lock);
    gw_startups_free(d->startups);
    free(d);
}

void gw_door_limit(struct gw_door *d, const struct gw_config *config)
{
    pthread_mutex_lock(&d->lock);
    gw_startups_limit(d->startups, config);
    pthread_mutex_unlock(&d->lock);
}

static void tell(int fd)
{
    static const char words[] = "Exceeded MaxStartups\r\n"; /* sshd's: clients show it to the person */
    (void)!send(fd, words, sizeof words - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static struct gw_addr local_of(int fd)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    struct gw_addr local = { 0 };
    if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
        gw_addr_from_sockaddr(&local, (struct sockaddr *)&sa);
    return local;
}

int32_t gw_door_admit(struct gw_door *d, int fd, const struct gw_addr *peer)
{
    pthread_mutex_lock(&d->lock);
    int32_t slot = gw_startups_admit(d->startups, peer);
    if (slot == GW_STARTUP_NONE) {
        struct gw_addr local = local_of(fd);
        gw_throttle_dropped(&d->throttle, monotonic_seconds(), gw_startups_count(d->startups), peer, &local);
    } else {
        gw_throttle_admitted(&d->throttle, monotonic_seconds(), gw_startups_relaxed(d->startups));
    }
    pthread_mutex_unlock(&d->lock);
    if (slot == GW_STARTUP_NONE)
        tell(fd);
    return slot;
}

void gw_door_give_back(struct gw_door *d, int32_t slot)
{
    pthread_mutex_lock(&d->lock);
    gw_startups_give_back(d->startups, slot);
    pthread_mutex_unlock(&d->lock);
}

void gw_door_exhausted(struct gw_door *d, const char *why)
{
    pthread_mutex_lock(&d->lock);
    gw_throttle_exhausted(&d->throttle, monotonic_seconds(), why);
    pthread_mutex_unlock(&d->lock);
}

void gw_door_not_a_proxy(struct gw_door *d, const struct gw_addr *peer, const char *why)
{
    pthread_mutex_lock(&d->lock);
    gw_throttle_not_a_proxy(&d->throttle, monotonic_seconds(), peer, why);
    pthread_mutex_unlock(&d->lock);
}
