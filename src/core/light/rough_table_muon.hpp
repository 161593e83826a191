// A muon's light from photon tables for searches: eight DOMs at a time, in single precision.
#pragma once

#include <memory>

#include "light/rough_muon.hpp"
#include "light/table_pair.hpp"

namespace skyscan {

// What tables say of a muon, as one light model has them open.
struct MuonTables {
  const TablePair& bare;
  const SplineTable& stochastic;
  const TimeAxis &direct, &noise;
  const double *low, *high;  // of each coordinate, in all tables
  double yield;              // of a bare muon, PE per unit of the tables
};

// Null where the tables' splines are not of the orders IceCube's have: 2, and 3 along time. The
// tables must outlive it.
std::unique_ptr<const RoughMuon> rough_table_muon(const MuonTables& tables);

}  // namespace skyscan
