/* SPDX-License-Identifier: MIT */
#include "mux/err.h"

#include <criterion/criterion.h>
#include <string.h>

Test(err, every_error_has_a_reason_and_a_text)
{
    for (int err = MUX_OK + 1; err < MUX_E_COUNT; err++) {
        uint32_t reason = mux_err_reason((enum mux_err)err);
        cr_assert(reason >= 1 && reason <= 15, "error %d", err); /* RFC 4253 section 11.1 */
        cr_assert(mux_err_text((enum mux_err)err) && strlen(mux_err_text((enum mux_err)err)) > 0, "error %d", err);
    }
}

Test(err, texts_differ)
{
    for (int a = MUX_OK; a < MUX_E_COUNT; a++)
        for (int b = MUX_OK; b < a; b++)
            cr_assert_str_neq(mux_err_text((enum mux_err)a), mux_err_text((enum mux_err)b));
}
