// Cholesky's solution of small symmetric positive definite systems. By hand: millipede
// solves thousands of systems of a few unknowns in every fit, here in the caller's memory, where
// dlib's decomposition object would allocate its own each time.
#pragma once

#include <cstddef>
#include <vector>

namespace skyscan {

// Solves the symmetric positive definite n x n system in place: `matrix` (row-major, lower triangle
// used) is overwritten, `x` holds the right-hand side, then the solution. Returns false when the
// matrix is not positive definite; both are then undefined.
bool solve_cholesky(std::vector<double>& matrix, std::vector<double>& x, std::size_t n);

}  // namespace skyscan
