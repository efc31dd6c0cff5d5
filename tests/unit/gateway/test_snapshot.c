/* SPDX-License-Identifier: MIT */
/* gateway/monitor/snapshot: the configuration arrives as it was sent, and nothing unsealed or malformed does. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "certify.h"
#include "gateway/config/config.h"
#include "gateway/monitor/ipc.h"

enum { ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

static const char text[] = "ListenAddress 127.0.0.1:2222\n"
                           "HostKey /etc/sluice/key\n"
                           "MaxAuthTries 4\n"
                           "Queue web\n"
                           "    Target 10.0.0.10:80\n"
                           "    Allow alice\n";

static struct gw_config *parsed(void)
{
    char error[GW_CONFIG_ERROR_MAX] = "";
    struct gw_config *c = gw_config_parse(text, "test", error);
    cr_assert(c, "%s", error);
    return c;
}

static char *printed(const struct gw_config *c)
{
    char *out;
    size_t len;
    FILE *f = open_memstream(&out, &len);
    gw_config_print(c, f);
    fclose(f);
    return out;
}

Test(snapshot, the_configuration_the_banner_and_the_keys_arrive)
{
    struct gw_config *c = parsed();
    c->banner = strdup("Welcome,\nstranger.\n");
    struct cx_private_key *key;
    cr_assert_eq(cx_private_key_generate(CX_KEY_ECDSA_P256, &key), CX_OK);
    uint8_t certificate[1024];
    struct mux_host_key public_key = { .blob = cx_private_key_blob(key), .type = CX_KEY_ECDSA_P256 };
    public_key.certificate =
        certify((struct cx_span){ certificate, sizeof certificate }, key, CX_CERTIFICATE_HOST, cx_view("", 0), key);
    int fd = gw_snapshot_write(c, &public_key, 1);
    cr_assert_geq(fd, 0);

    struct gw_snapshot s;
    char error[GW_CONFIG_ERROR_MAX] = "";
    cr_assert(gw_snapshot_read(fd, &s, error, sizeof error), "%s", error);
    char *sent = printed(c), *came = printed(s.config);
    cr_assert_str_eq(sent, came);
    cr_assert_str_eq(s.config->banner, "Welcome,\nstranger.\n");
    cr_assert_eq(s.host_key_count, 1);
    cr_assert_eq(s.host_keys[0].type, CX_KEY_ECDSA_P256);
    cr_assert(cx_view_equal(s.host_keys[0].blob, public_key.blob));
    cr_assert(cx_view_equal(s.host_keys[0].certificate, public_key.certificate));

    free(sent);
    free(came);
    gw_snapshot_deinit(&s);
    close(fd);
    certificate[public_key.certificate.len - 1] ^= 1; /* its CA's signature */
    fd = gw_snapshot_write(c, &public_key, 1);
    cr_assert_not(gw_snapshot_read(fd, &s, error, sizeof error));
    cr_assert_str_eq(error, "the snapshot's host keys are malformed");
    cx_private_key_free(key);
    gw_config_drop(c);
    close(fd);
}

Test(snapshot, nobody_can_change_it_once_it_is_written)
{
    struct gw_config *c = parsed();
    int fd = gw_snapshot_write(c, NULL, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(pwrite(fd, "x", 1, 0), -1);
    cr_assert_eq(ftruncate(fd, 1), -1);
    cr_assert_eq(errno, EPERM);
    gw_config_drop(c);
    close(fd);
}

/* A memfd with the first n bytes of another. */
static int cut(int fd, size_t n, int seals)
{
    uint8_t bytes[8192];
    cr_assert_leq(n, sizeof bytes);
    cr_assert_eq(pread(fd, bytes, n, 0), (ssize_t)n);
    int out = memfd_create("cut", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    cr_assert_eq(write(out, bytes, n), (ssize_t)n);
    cr_assert_eq(fcntl(out, F_ADD_SEALS, seals), 0);
    return out;
}

Test(snapshot, a_cut_or_unsealed_one_is_refused)
{
    struct gw_config *c = parsed();
    int fd = gw_snapshot_write(c, NULL, 0);
    size_t len = (size_t)lseek(fd, 0, SEEK_END);
    for (size_t n = 1; n < len; n += n < 64 ? 1 : 97) {
        char error[256] = "";
        struct gw_snapshot s;
        int part = cut(fd, n, ALL_SEALS);
        cr_assert(!gw_snapshot_read(part, &s, error, sizeof error), "cut at %zu of %zu", n, len);
        cr_assert_str_neq(error, "");
        close(part);
    }
    char error[256];
    struct gw_snapshot s;
    int plain = cut(fd, len, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    cr_assert(!gw_snapshot_read(plain, &s, error, sizeof error));
    cr_assert_str_eq(error, "not a sealed snapshot");
    int sealed = cut(fd, len, ALL_SEALS);
    cr_assert(gw_snapshot_read(sealed, &s, error, sizeof error));
    gw_snapshot_deinit(&s);
    close(sealed);
    close(plain);
    close(fd);
    gw_config_drop(c);
}
