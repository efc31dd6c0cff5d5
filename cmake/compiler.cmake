# SPDX-License-Identifier: MIT
# Warnings, hardening and sanitizers, for every target through the interface library sluice_flags.
add_library(sluice_flags INTERFACE)

# maybe-uninitialized depends on what each compiler inlines: it is shown, and stops nobody's build
target_compile_options(sluice_flags INTERFACE
    -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wimplicit-fallthrough
    -Wno-missing-field-initializers $<$<C_COMPILER_ID:GNU>:-Wno-error=maybe-uninitialized>
    -fno-common -fno-strict-aliasing -fvisibility=hidden -fno-omit-frame-pointer)
# valgrind 3.19 ends at clang's own choice, DWARF 5
target_compile_options(sluice_flags INTERFACE $<$<C_COMPILER_ID:Clang>:-gdwarf-4>)
target_compile_definitions(sluice_flags INTERFACE _GNU_SOURCE)

option(SLUICE_FUZZ "libFuzzer programs of tests/fuzz; needs clang" OFF)
if(SLUICE_FUZZ)
    target_compile_options(sluice_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

set(SLUICE_SANITIZE "" CACHE STRING "address (with undefined), thread, or empty")
if(SLUICE_SANITIZE STREQUAL "address")
    target_compile_options(sluice_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all)
    target_link_options(sluice_flags INTERFACE -fsanitize=address,undefined)
elseif(SLUICE_SANITIZE STREQUAL "thread")
    # -Wno-tsan: fences are not modelled; the primitives of mux/exchange use ordered operations alone
    target_compile_options(sluice_flags INTERFACE -fsanitize=thread)
    target_link_options(sluice_flags INTERFACE -fsanitize=thread)
else()
    target_compile_options(sluice_flags INTERFACE
        -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE)
    target_link_options(sluice_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -pie)
    if(CMAKE_BUILD_TYPE STREQUAL "Release")
        target_compile_definitions(sluice_flags INTERFACE _FORTIFY_SOURCE=2)
    endif()
endif()

# Asserts state what the code relies on; they stay in every build.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-O0 -g3")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O1 -g")
