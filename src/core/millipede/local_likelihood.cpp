#include "millipede/local_likelihood.hpp"

namespace skyscan {

namespace {

// Whether energy sits at an end of what is kept, and there is more beyond.
bool is_at_end(const MillipedeValue& value, const CascadeSelection& kept,
               const CascadeSelection& all) {
  for (const Cascade& c : value.cascades)
    if (c.energy > 0)
      for (const long next : {c.number - 1, c.number + 1})
        if (!kept.keeps(next) && all.keeps(next)) return true;
  return false;
}

}  // namespace

bool LocalLikelihood::serves(const Track& track) const {
  return wide_ && std::fabs(track.time - selected_at_.time) < options_.reach_in_time &&
         distance(track.position, selected_at_.position) < options_.reach;
}

MillipedeValue LocalLikelihood::at(const Track& track, const MillipedeValue* previous) {
  ++evaluations_;
  if (!serves(track)) {
    wide_ = select_cascades(millipede_, track, spacing_, cutoff_, previous, options_);
    narrow_.reset();
    selected_at_ = track;
  }
  if (!wide_) return {};
  MillipedeValue value;
  const auto solve = [&](const CascadeSelection& selection) {
    value = millipede_.solve(track, spacing_, cutoff_, previous, energy_tolerance, &selection);
  };
  if (narrow_) solve(*narrow_);
  if (!narrow_ || is_at_end(value, *narrow_, *wide_)) {
    solve(*wide_);
    narrow_.reset();
    if (value.placed)
      narrow_ = narrowed(millipede_, value, &*wide_, options_.neighbours, options_.still_worth);
  }
  if (!std::isfinite(value.llh)) value.placed = false;
  return value;
}

}  // namespace skyscan
