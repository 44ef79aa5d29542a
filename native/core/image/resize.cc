#include "core/image/resize.h"

#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "core/image/resize_simd.h"

namespace verger::image {

namespace {

// Sizes that a thread remembers: a folder of photos rarely mixes more, and one entry is a few kilobytes.
constexpr size_t kMaxCached = 32;
constexpr size_t kLaneAlign = 16;
// The kernels' special case; filters with fewer taps are padded with weights of 0.
constexpr size_t kLeastTaps = 4;

double Support(Filter filter) { return filter == Filter::kBilinear ? 1.0 : 2.0; }

double Evaluate(Filter filter, double x) {
  x = std::abs(x);
  if (filter == Filter::kBilinear) return x < 1.0 ? 1.0 - x : 0.0;
  constexpr double a = -0.5;
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

constexpr size_t RoundUp(size_t value, size_t to) { return (value + to - 1) / to * to; }

// Values by which every output row begins behind a cache line, or 0 where rows differ. A tensor that JavaScript
// allocated is rarely aligned; rows in the ring are given the same offset, so that the vertical pass meets no vector
// that straddles two lines, neither when it reads nor when it writes.
size_t LineOffset(const ResizeSpec& spec) {
  const auto offset = [](const float* p) { return reinterpret_cast<uintptr_t>(p) / sizeof(float) % kLaneAlign; };
  const size_t first = offset(spec.planes[0]);
  const bool alike =
      spec.out_width % kLaneAlign == 0 && offset(spec.planes[1]) == first && offset(spec.planes[2]) == first;
  return alike ? first : 0;
}

}  // namespace

AxisWeights ComputeAxisWeights(Filter filter, size_t in, double low, double high, size_t out) {
  AxisWeights axis;
  axis.in = in;
  axis.out = out;
  axis.taps = kLeastTaps;
  const double scale = (high - low) / static_cast<double>(out);
  const double filter_scale = std::max(scale, 1.0);
  const double support = Support(filter) * filter_scale;
  axis.start.resize(out);
  axis.count.resize(out);
  for (size_t o = 0; o < out; ++o) {
    const double center = low + (static_cast<double>(o) + 0.5) * scale;
    const double limit = static_cast<double>(in);
    // At least one tap, even where rounding would leave none.
    const double first = std::clamp(std::trunc(center - support + 0.5), 0.0, limit - 1);
    const double last = std::clamp(std::trunc(center + support + 0.5), first + 1, limit);
    axis.start[o] = static_cast<int32_t>(first);
    axis.count[o] = static_cast<int32_t>(last - first);
    axis.taps = std::max(axis.taps, static_cast<size_t>(axis.count[o]));
  }
  axis.weights.assign(out * axis.taps, 0.0f);
  std::vector<double> exact(axis.taps);
  for (size_t o = 0; o < out; ++o) {
    const double center = low + (static_cast<double>(o) + 0.5) * scale;
    const size_t count = static_cast<size_t>(axis.count[o]);
    double sum = 0;
    for (size_t t = 0; t < count; ++t) {
      exact[t] =
          Evaluate(filter, (static_cast<double>(axis.start[o]) + static_cast<double>(t) - center + 0.5) / filter_scale);
      sum += exact[t];
    }
    for (size_t t = 0; t < count; ++t) {
      axis.weights[o * axis.taps + t] = static_cast<float>(sum != 0 ? exact[t] / sum : exact[t]);
    }
  }
  return axis;
}

// The horizontal weights in the layout of the kernel that will use them.
struct Resizer::HorizontalTable {
  bool permuted = false;
  simd::PermuteTable permute;
  simd::DotTable dot;
  std::vector<int32_t> start;
  hwy::AlignedFreeUniquePtr<int32_t[]> index;
  hwy::AlignedFreeUniquePtr<float[]> weight;

  [[nodiscard]] bool Build(const AxisWeights& axis, size_t lanes);

 private:
  [[nodiscard]] bool BuildPermute(const AxisWeights& axis, size_t lanes);
};

bool Resizer::HorizontalTable::BuildPermute(const AxisWeights& axis, size_t lanes) {
  const size_t blocks = RoundUp(axis.out, lanes) / lanes;
  index = hwy::AllocateAligned<int32_t>(blocks * 4 * lanes);
  weight = hwy::AllocateAligned<float>(blocks * 4 * lanes);
  if (!index || !weight) return false;
  start.resize(blocks);
  for (size_t b = 0; b < blocks; ++b) {
    start[b] = axis.start[b * lanes];
    for (size_t l = 0; l < lanes; ++l) {
      const size_t o = std::min(b * lanes + l, axis.out - 1);
      for (size_t t = 0; t < 4; ++t) {
        const bool real = t < static_cast<size_t>(axis.count[o]);
        index[(b * 4 + t) * lanes + l] = real ? axis.start[o] - start[b] + static_cast<int32_t>(t) : 0;
        weight[(b * 4 + t) * lanes + l] = real ? axis.weights[o * axis.taps + t] : 0.0f;
      }
    }
  }
  permuted = true;
  permute = {.blocks = blocks, .base = start.data(), .index = index.get(), .weight = weight.get()};
  return true;
}

bool Resizer::HorizontalTable::Build(const AxisWeights& axis, size_t lanes) {
  // With vectors of four lanes the dot kernel does as well.
  bool fits = axis.taps <= 4 && lanes > 4;
  for (size_t o = 0; fits && o < axis.out; ++o) {
    fits = static_cast<size_t>(axis.start[o] + axis.count[o] - axis.start[o / lanes * lanes]) <= lanes;
  }
  if (fits) return BuildPermute(axis, lanes);
  const size_t groups = RoundUp(axis.taps, 4) / 4;
  weight = hwy::AllocateAligned<float>(axis.out * groups * 4);
  if (!weight) return false;
  std::fill_n(weight.get(), axis.out * groups * 4, 0.0f);
  for (size_t o = 0; o < axis.out; ++o) {
    std::copy_n(axis.weights.data() + o * axis.taps, axis.count[o], weight.get() + o * groups * 4);
  }
  start = axis.start;
  dot = {.out_width = axis.out,
         .groups = groups,
         .tile_pixels = simd::DotTilePixels(start.data(), axis.out, groups),
         .start = start.data(),
         .weight = weight.get()};
  return true;
}

struct Resizer::CachedAxis {
  bool horizontal = false;
  Filter filter = Filter::kBicubic;
  size_t lanes = 0;
  double low = 0;
  double high = 0;
  AxisWeights axis;
  HorizontalTable table;
  uint64_t used = 0;
};

Resizer::Resizer() = default;
Resizer::~Resizer() = default;

const Resizer::CachedAxis* Resizer::Find(const ResizeSpec& spec, bool horizontal) {
  const size_t in = horizontal ? spec.in_width : spec.in_height;
  const size_t out = horizontal ? spec.out_width : spec.out_height;
  const double low = horizontal ? spec.left : spec.top;
  const double high = horizontal ? spec.right : spec.bottom;
  const size_t lanes = horizontal ? simd::FloatLanes() : 0;
  ++clock_;
  for (const auto& entry : cache_) {
    if (entry->horizontal == horizontal && entry->axis.in == in && entry->axis.out == out && entry->low == low &&
        entry->high == high && entry->filter == spec.filter && entry->lanes == lanes) {
      entry->used = clock_;
      return entry.get();
    }
  }
  auto fresh = std::make_unique<CachedAxis>();
  fresh->horizontal = horizontal;
  fresh->filter = spec.filter;
  fresh->lanes = lanes;
  fresh->low = low;
  fresh->high = high;
  fresh->axis = ComputeAxisWeights(spec.filter, in, low, high, out);
  if (horizontal && !fresh->table.Build(fresh->axis, lanes)) return nullptr;
  fresh->used = clock_;
  if (cache_.size() < kMaxCached) {
    cache_.push_back(std::move(fresh));
    return cache_.back().get();
  }
  // The least recently used; never the other axis of this picture, which was used a moment ago.
  auto oldest =
      std::min_element(cache_.begin(), cache_.end(), [](const auto& a, const auto& b) { return a->used < b->used; });
  *oldest = std::move(fresh);
  return oldest->get();
}

Status Resizer::Begin(const ResizeSpec& spec) {
  spec_ = spec;
  const CachedAxis* columns = Find(spec, true);
  const CachedAxis* rows = Find(spec, false);
  if (columns == nullptr || rows == nullptr) return OutOfMemory();
  columns_ = &columns->table;
  rows_ = &rows->axis;
  row_ = 0;
  next_ = 0;
  ring_ = rows_->taps + simd::kMaxRows;
  stride_ = RoundUp(spec.out_width, kLaneAlign);
  const size_t scratch = columns_->permuted ? simd::PermuteScratch(spec.in_width) : simd::DotScratch(columns_->dot);
  if (!scratch_.Reserve(scratch) || !ring_rows_.Reserve(ring_ * stride_ * 3 + kLaneAlign)) return OutOfMemory();
  ring_start_ = ring_rows_.data() + LineOffset(spec);
  // Taps of weight 0 read behind the row: there must be no NaN.
  std::fill_n(scratch_.data(), scratch, 0.0f);
  taps_.resize(rows_->taps);
  return Status::Ok();
}

void Resizer::Rows(const uint8_t* const* rgb, size_t count) {
  while (count > 0) {
    if (next_ == spec_.out_height) return;
    const size_t first = static_cast<size_t>(rows_->start[next_]);
    if (row_ < first) {
      // Outside the wanted part, or between two outputs: not worth a horizontal pass.
      const size_t skipped = std::min(count, first - row_);
      row_ += skipped;
      rgb += skipped;
      count -= skipped;
      continue;
    }
    const size_t taken = std::min(count, simd::kMaxRows);
    float* out[simd::kMaxRows];
    for (size_t i = 0; i < taken; ++i) out[i] = RingRow((row_ + i) % ring_);
    if (columns_->permuted) {
      simd::PermuteRows(rgb, taken, spec_.in_width, columns_->permute, scratch_.data(), out, stride_);
    } else {
      simd::DotRows(rgb, taken, spec_.in_width, columns_->dot, scratch_.data(), out, stride_);
    }
    row_ += taken;
    rgb += taken;
    count -= taken;
    Combine();
  }
}

// Writes every output row whose inputs have all been seen.
void Resizer::Combine() {
  const size_t taps = rows_->taps;
  while (next_ < spec_.out_height) {
    const int32_t start = rows_->start[next_];
    const int32_t count = rows_->count[next_];
    if (static_cast<size_t>(start) + static_cast<size_t>(count) > row_) return;
    // When enlarging, several output rows have the same inputs.
    size_t last = next_ + 1;
    while (last < spec_.out_height && rows_->start[last] == start && rows_->count[last] == count) ++last;
    size_t slot = static_cast<size_t>(start) % ring_;
    for (size_t t = 0; t < taps; ++t) {
      taps_[t] = RingRow(slot);
      // Taps beyond the last weigh 0: any row that has been written will do.
      if (t + 1 < static_cast<size_t>(count)) slot = slot + 1 == ring_ ? 0 : slot + 1;
    }
    const size_t offset = next_ * spec_.out_width;
    float* const out[3] = {spec_.planes[0] + offset, spec_.planes[1] + offset, spec_.planes[2] + offset};
    const simd::VerticalTaps vertical = {taps_.data(), rows_->weights.data() + next_ * taps, taps};
    simd::CombineRows(vertical, last - next_, spec_.out_width, stride_, spec_.scale.data(), spec_.bias.data(), out);
    next_ = last;
  }
}

void Resizer::Trim(size_t bytes) {
  scratch_.Trim(bytes);
  ring_rows_.Trim(bytes);
}

std::string ActiveSimdTarget() {
  // The lowest bit is the best target.
  const int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  return hwy::TargetName(targets & -targets);
}

std::vector<std::string> CompiledSimdTargets() {
  std::vector<std::string> names;
  for (int64_t rest = HWY_TARGETS; rest != 0; rest &= rest - 1) names.emplace_back(hwy::TargetName(rest & -rest));
  return names;
}

}  // namespace verger::image
