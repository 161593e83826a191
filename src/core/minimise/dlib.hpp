// dlib's minimisers, header-only. Debian configures dlib's matrices to call BLAS and LAPACK, which
// the library cannot bring along; without these definitions dlib uses its own loops.
#pragma once

#include <dlib/assert.h>
#include <dlib/test_for_odr_violations.h>

#undef DLIB_USE_BLAS
#undef DLIB_USE_LAPACK
#include <dlib/optimization.h>
