// The C interface of spline tables.

#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>

#include "abi/guarded.hpp"
#include "abi/handles.hpp"
#include "splines/writer.hpp"

using skyscan::BadInput;

namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

std::string described(const skyscan::SplineTable& table) {
  std::string out = "{\"path\":" + quoted(table.path()) +
                    ",\"coefficients\":" + quoted(table.coefficients().place()) + ",\"axes\":[";
  for (int axis = 0; axis < table.dimensions(); ++axis) {
    if (axis > 0) out += ',';
    const auto [low, high] = table.extent(axis);
    const auto& knots = table.basis(axis).knots();
    out += "{\"order\":" + std::to_string(table.basis(axis).degree()) + ",\"coefficients\":" +
           std::to_string(static_cast<int>(knots.size()) - table.basis(axis).degree() - 1) +
           ",\"extent\":[" + number(low) + ',' + number(high) +
           "],\"period\":" + number(table.period(axis)) + ",\"knots\":[";
    for (std::size_t i = 0; i < knots.size(); ++i) {
      if (i > 0) out += ',';
      out += number(knots[i]);
    }
    out += "]}";
  }
  out += "],\"keys\":{";
  bool first = true;
  for (const auto& card : table.keys()) {
    if (!first) out += ',';
    first = false;
    out += quoted(card.key) + ":" + quoted(card.value);
  }
  return out + "}}";
}

}  // namespace

extern "C" {

int32_t skyscan_table_open(const char* path, skyscan_table** table, char* message,
                           int64_t message_size) {
  return skyscan::guarded(message, message_size, [&] {
    skyscan::required({{path, "path"}, {table, "table"}});
    *table = new skyscan_table{skyscan::SplineTable(path)};
  });
}

void skyscan_table_close(skyscan_table* table) { delete table; }

int32_t skyscan_table_convolve(skyscan_table* table, int32_t axis, int32_t count,
                               const double* kernel, char* message, int64_t message_size) {
  return skyscan::guarded(message, message_size, [&] {
    skyscan::required({{table, "table"}, {kernel, "kernel"}});
    auto& t = table->table;
    if (axis < 0 || axis >= t.dimensions())
      t.fail("axis " + std::to_string(axis) + " to convolve is not one of 0 to " +
             std::to_string(t.dimensions() - 1));
    if (count < 2 || count > 8) throw BadInput("a convolution kernel has 2 to 8 knots");
    for (int i = 0; i < count; ++i)
      if (!std::isfinite(kernel[i]) || (i > 0 && !(kernel[i] > kernel[i - 1])))
        throw BadInput("the knots of a convolution kernel must be finite and ascend");
    t.convolve(axis, std::vector<double>(kernel, kernel + count));
  });
}

int32_t skyscan_table_describe(const skyscan_table* table, char* text, int64_t text_size,
                               int64_t* needed, char* message, int64_t message_size) {
  return skyscan::guarded(message, message_size, [&] {
    skyscan::required({{table, "table"}, {text, "text"}, {needed, "needed"}});
    const std::string description = described(table->table);
    *needed = static_cast<int64_t>(description.size()) + 1;
    if (text_size >= *needed)
      std::memcpy(text, description.c_str(), static_cast<std::size_t>(*needed));
  });
}

int32_t skyscan_table_evaluate(const skyscan_table* table, int64_t count, const double* x,
                               double* values, double* gradients, uint8_t* inside, char* message,
                               int64_t message_size) {
  return skyscan::guarded(message, message_size, [&] {
    skyscan::required({{table, "table"}, {x, "x"}, {values, "values"}, {inside, "inside"}});
    table->table.evaluate(count, x, values, gradients, inside);
  });
}

int32_t skyscan_table_fit(const char* path, int32_t axes, const int32_t* orders,
                          const int32_t* knot_counts, const double* knots, const double* extents,
                          const float* samples, int32_t is_coefficients, const char* keys,
                          char* message, int64_t message_size) {
  return skyscan::guarded(message, message_size, [&] {
    skyscan::required({{path, "path"},
                       {orders, "orders"},
                       {knot_counts, "knot_counts"},
                       {knots, "knots"},
                       {extents, "extents"},
                       {samples, "samples"},
                       {keys, "keys"}});
    skyscan::write_spline_table(path, axes, orders, knot_counts, knots, extents, samples,
                                is_coefficients != 0, keys);
  });
}

}  // extern "C"
