/* SPDX-License-Identifier: MIT */
/* bench/json: what it writes, another library reads. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "bench/report/json.h"

Test(json, a_document_is_read_back_as_it_was_written)
{
    static const char odd[] = "quote \" backslash \\ tab \t end \x01";
    char text[2048];
    FILE *out = fmemopen(text, sizeof text, "w");
    struct bench_json j = bench_json(out);
    bench_json_object(&j, NULL);
    bench_json_text(&j, "text", odd);
    bench_json_text(&j, "nothing", NULL);
    bench_json_list(&j, "empty");
    bench_json_end(&j);
    bench_json_list(&j, "rows");
    for (unsigned i = 0; i < 2; i++) {
        bench_json_object(&j, NULL);
        bench_json_count(&j, "count", i + 1);
        bench_json_real(&j, "real", 2.5);
        bench_json_real(&j, "infinite", (double)INFINITY);
        bench_json_real_or_null(&j, "unknown", 0);
        bench_json_bool(&j, "yes", true);
        bench_json_end(&j);
    }
    bench_json_end(&j);
    bench_json_end(&j);
    fclose(out);

    json_error_t error;
    json_t *root = json_loads(text, 0, &error);
    cr_assert_not_null(root, "%s: %s", error.text, text);
    cr_expect_str_eq(json_string_value(json_object_get(root, "text")), odd);
    cr_expect(json_is_null(json_object_get(root, "nothing")));
    cr_expect_eq(json_array_size(json_object_get(root, "empty")), 0);
    json_t *row = json_array_get(json_object_get(root, "rows"), 1);
    cr_expect_eq(json_integer_value(json_object_get(row, "count")), 2);
    cr_expect_float_eq(json_real_value(json_object_get(row, "real")), 2.5, 0);
    cr_expect(json_is_null(json_object_get(row, "infinite")));
    cr_expect(json_is_null(json_object_get(row, "unknown")));
    cr_expect(json_is_true(json_object_get(row, "yes")));
    json_decref(root);
}
