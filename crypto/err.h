/* SPDX-License-Identifier: MIT */
/* What the functions of crypto/ return: 0 is success. The text is for a person. Any thread. */
#ifndef CX_ERR_H
#define CX_ERR_H

#define CX_MUST_CHECK __attribute__((warn_unused_result))

enum cx_err {
    CX_OK = 0,
    CX_E_MALFORMED,   /* the bytes do not have the form that the format demands */
    CX_E_LENGTH,      /* a packet's length is out of its bounds */
    CX_E_TAG,         /* a MAC or AEAD tag does not match */
    CX_E_UNSUPPORTED, /* well-formed, of a type that sluice does not speak */
    CX_E_WEAK,        /* a key too small, a point off its curve, an all-zero shared secret */
    CX_E_SIGNATURE,   /* the signature does not verify */
    CX_E_PASSPHRASE,  /* the key file is encrypted, and the passphrase is missing or wrong */
    CX_E_RESOURCE,    /* memory, or the library below refused */
    CX_E_COUNT
};

/* Never NULL; a static string such as "malformed". */
const char *cx_err_text(enum cx_err err);

#endif
