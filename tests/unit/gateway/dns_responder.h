/* SPDX-License-Identifier: MIT */
/* A name server on loopback, in a thread, that answers by a table. */
#ifndef DNS_RESPONDER_H
#define DNS_RESPONDER_H

#include <pthread.h>
#include <stdint.h>

/* By the name's first label. Addresses are literals with blanks between; "": none; NULL: no answer at all. */
struct dns_zone {
    const char *label, *v4, *v6;
    unsigned v6_late_ms; /* how long behind A's answer AAAA's comes; 0: each as it is asked */
};

struct dns_responder {
    const struct dns_zone *zones; /* ends with a label NULL; other names do not exist */
    char servers[32];             /* for gw_dns_new */
    unsigned asked;
    _Atomic unsigned handled; /* questions whose answer, if they get one at once, has been sent */
    uint16_t port; /* that the last question came from */

    int fd;
    pthread_t thread;
};

void dns_responder_start(struct dns_responder *r, const struct dns_zone *zones);
void dns_responder_stop(struct dns_responder *r);

#endif
