// Millipede's likelihood at tracks close to each other, with cascades at one spacing.
#pragma once

#include <cmath>
#include <limits>
#include <optional>

#include "millipede/cascade_selection.hpp"
#include "millipede/likelihood.hpp"

namespace skyscan {

// llh: optimality of the energies during a fit. The values that simplices and descents compare are
// then true to a hundredth of the least difference they act upon.
constexpr double energy_tolerance = 1e-4;

// A track that may be the minimum.
struct Candidate {
  Track track{};
  MillipedeValue value;
  bool found() const { return std::isfinite(llh()); }
  // Infinite where there is none.
  double llh() const { return value.placed ? value.llh : std::numeric_limits<double>::infinity(); }
};

// Where tracks are close, only those cascades are solved for that had energy, or nearly.
class LocalLikelihood {
 public:
  // `evaluations` counts. All must outlive this.
  LocalLikelihood(const Millipede& millipede, double spacing, int& evaluations,
                  const LightCutoff& cutoff = search_cutoff, const SelectionOptions& options = {})
      : millipede_(millipede),
        spacing_(spacing),
        options_(options),
        cutoff_(cutoff),
        evaluations_(evaluations) {}

  // Not placed where there is no likelihood. `previous` may be null.
  MillipedeValue at(const Track& track, const MillipedeValue* previous);
  // Sets the value's gradient and hessian.
  void differentiate(Candidate& at) const { millipede_.differentiate(at.track, cutoff_, at.value); }
  // Selects cascades anew before the next value.
  void clear_selection() { wide_.reset(); }

 private:
  bool serves(const Track& track) const;

  const Millipede& millipede_;
  const double spacing_;
  const SelectionOptions options_;
  const LightCutoff cutoff_;
  int& evaluations_;
  Track selected_at_{};
  // What may matter around there, and of that what did where all of it was solved last.
  std::optional<CascadeSelection> wide_, narrow_;
};

}  // namespace skyscan
