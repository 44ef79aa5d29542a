#include "core/linalg/gram.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "core/linalg/kernels.h"

namespace verger::linalg {

static_assert(std::endian::native == std::endian::little, "serialised accumulators are little-endian");

namespace {

constexpr size_t kPackRows = 32;      // rows packed per task
constexpr size_t kTileColumns = 240;  // columns per task of the product: five panels of 48

// True when any value is infinite or NaN.
bool AnyNotFinite(const float* values, size_t n) {
  uint32_t found = 0;
  for (size_t i = 0; i < n; ++i) {
    uint32_t bits;
    std::memcpy(&bits, values + i, sizeof bits);
    found |= (bits & 0x7f800000u) == 0x7f800000u ? 1u : 0u;
  }
  return found != 0;
}

// Finds the first value that is not finite, if any.
Status CheckFinite(const float* rows, size_t n, size_t dimension, uint64_t first_row) {
  for (size_t i = 0; i < n * dimension; ++i) {
    if (!std::isfinite(rows[i])) return NotFiniteFeature(rows[i], first_row + i / dimension, i % dimension);
  }
  return Status::Ok();
}

}  // namespace

Status NotFiniteFeature(float value, uint64_t row, size_t column) {
  return {"pca/not-finite", "Expected finite features, but row " + std::to_string(row) + ", column " +
                                std::to_string(column) + " (both counted from 0) is " +
                                (std::isnan(value) ? "NaN"
                                 : value > 0       ? "Infinity"
                                                   : "-Infinity") +
                                "; remove that row or embed its image again."};
}

// Block buffers, kept between calls.
struct GramAccumulator::Workspace {
  AlignedArray<float> panels;  // stride x kBlockRows
  AlignedArray<float> sums;    // one row of sums per packing task
};

GramAccumulator::GramAccumulator(size_t dimension)
    : dimension_(dimension),
      stride_(RoundUp(dimension, kPanelMultiple)),
      pilot_(AlignedArray<float>::Zeros(stride_)),
      sum_(AlignedArray<double>::Zeros(stride_)),
      workspace_(std::make_unique<Workspace>()) {}

GramAccumulator::~GramAccumulator() = default;

Status GramAccumulator::Usable() const {
  if (!failed_) return Status::Ok();
  return {
      "pca/incomplete",
      "Expected an accumulator whose rows are all in, but an earlier call on it failed or was cancelled; start again "
      "with a new one."};
}

void GramAccumulator::SetPilot(const float* rows, size_t n, AlignedArray<float>* pilot) const {
  std::vector<double> sums(dimension_, 0.0);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < dimension_; ++j) sums[j] += static_cast<double>(rows[i * dimension_ + j]);
  }
  // A column that holds one value c gets exactly c: n copies of a float32 sum exactly in float64.
  for (size_t j = 0; j < dimension_; ++j) (*pilot)[j] = static_cast<float>(sums[j] / static_cast<double>(n));
}

Status GramAccumulator::AddBlock(const float* rows, size_t n, uint64_t first_row, const float* pilot, const Exec& exec,
                                 double* gram, double* sum) const {
  const Kernels& kernels = GetKernels();
  const size_t width = kernels.nr_f32;
  const size_t panel_stride = width * kBlockRows;
  const size_t panels = (dimension_ + width - 1) / width;
  const size_t pack_tasks = (n + kPackRows - 1) / kPackRows;
  Workspace& work = *workspace_;
  if (work.panels.empty()) {
    work.panels = AlignedArray<float>(stride_ * kBlockRows);
    work.sums = AlignedArray<float>(stride_ * (kBlockRows / kPackRows));
  }
  const Exec run = exec.If(n * dimension_ * dimension_ > 2'000'000);

  run.For(pack_tasks, [&](size_t task, size_t) {
    const size_t begin = task * kPackRows;
    kernels.pack_shifted(rows + begin * dimension_, dimension_, std::min(kPackRows, n - begin), dimension_, pilot,
                         work.panels.data() + begin * width, panel_stride, work.sums.data() + task * stride_);
  });
  VERGER_RETURN_IF_ERROR(exec.Check());

  // A sum is finite only if all its values are, so the check for bad input costs one look per column; huge finite
  // values are the one other way to get here.
  std::vector<double> block_sum(dimension_, 0.0);
  for (size_t task = 0; task < pack_tasks; ++task) {
    const float* sums = work.sums.data() + task * stride_;
    for (size_t j = 0; j < dimension_; ++j) block_sum[j] += static_cast<double>(sums[j]);
  }
  bool finite = true;
  for (size_t j = 0; j < dimension_; ++j) finite = finite && std::isfinite(block_sum[j]);
  if (!finite) VERGER_RETURN_IF_ERROR(CheckFinite(rows, n, dimension_, first_row));
  for (size_t j = 0; j < dimension_; ++j) sum[j] += block_sum[j];

  // Square tiles of the upper triangle, each by one thread.
  const size_t side = kTileColumns / width * width;
  const size_t tiles = (panels * width + side - 1) / side;
  run.For(tiles * (tiles + 1) / 2, [&](size_t index, size_t) {
    size_t ti = 0;
    while (index >= tiles - ti) {
      index -= tiles - ti;
      ++ti;
    }
    const size_t tj = ti + index;
    const size_t i0 = ti * side;
    const size_t i1 = std::min(i0 + side, panels * width);
    const size_t j1 = std::min((tj + 1) * side, panels * width);
    for (size_t j = tj * side; j < j1; j += width) {
      const float* b = work.panels.data() + j / width * panel_stride;
      const size_t end = std::min(i1, j + width);
      for (size_t i = i0; i < end; i += kernels.mr_f32) {
        const float* a = work.panels.data() + i / width * panel_stride + i % width;
        kernels.gram_tile(n, a, width, b, gram + i * stride_ + j, stride_);
      }
    }
  });
  return exec.Check();
}

Status GramAccumulator::Add(const float* rows, size_t n, const Exec& exec) {
  VERGER_RETURN_IF_ERROR(Usable());
  VERGER_RETURN_IF_ERROR(exec.Check());
  failed_ = true;  // until every row is in
  while (n > 0) {
    const float* block = rows;
    size_t taken = kBlockRows;
    if (pending_rows_ > 0 || n < kBlockRows) {
      if (pending_.empty()) pending_ = AlignedArray<float>(kBlockRows * dimension_);
      taken = std::min(n, kBlockRows - pending_rows_);
      if (AnyNotFinite(rows, taken * dimension_)) return CheckFinite(rows, taken, dimension_, count());
      std::memcpy(pending_.data() + pending_rows_ * dimension_, rows, taken * dimension_ * sizeof(float));
      pending_rows_ += taken;
      block = pending_.data();
    }
    rows += taken * dimension_;
    n -= taken;
    if (block == pending_.data() && pending_rows_ < kBlockRows) break;
    if (blocked_rows_ == 0) {
      if (AnyNotFinite(block, kBlockRows * dimension_)) return CheckFinite(block, kBlockRows, dimension_, 0);
      SetPilot(block, kBlockRows, &pilot_);
      gram_ = AlignedArray<double>::Zeros(stride_ * stride_);
    }
    VERGER_RETURN_IF_ERROR(AddBlock(block, kBlockRows, blocked_rows_, pilot_.data(), exec, gram_.data(), sum_.data()));
    blocked_rows_ += kBlockRows;
    if (block == pending_.data()) pending_rows_ = 0;
  }
  failed_ = false;
  return Status::Ok();
}

Status GramAccumulator::Merge(const GramAccumulator& other) {
  VERGER_RETURN_IF_ERROR(Usable());
  VERGER_RETURN_IF_ERROR(other.Usable());
  if (other.dimension_ != dimension_) {
    return {"pca/dimension", "Expected accumulators of one dimension to merge, but got " + std::to_string(dimension_) +
                                 " and " + std::to_string(other.dimension_) + "."};
  }
  // `other` may be *this: its pending rows are copied before anything changes.
  std::vector<float> pending;
  if (other.pending_rows_ > 0) {
    pending.assign(other.pending_.data(), other.pending_.data() + other.pending_rows_ * dimension_);
  }
  if (other.blocked_rows_ > 0 && blocked_rows_ == 0) {
    pilot_ = other.pilot_;
    sum_ = other.sum_;
    gram_ = other.gram_;
    blocked_rows_ = other.blocked_rows_;
  } else if (other.blocked_rows_ > 0) {
    const double na = static_cast<double>(blocked_rows_);
    const double nb = static_cast<double>(other.blocked_rows_);
    const double n = na + nb;
    std::vector<double> offset_a(dimension_), offset_b(dimension_), delta(dimension_), rest(dimension_);
    for (size_t j = 0; j < dimension_; ++j) {
      offset_a[j] = sum_[j] / na;  // mean about its own pilot
      offset_b[j] = other.sum_[j] / nb;
      const double pilot_a = static_cast<double>(pilot_[j]);
      // The difference of pilots first: both are float32, so it is exact or nearly so.
      delta[j] = (static_cast<double>(other.pilot_[j]) - pilot_a) + (offset_b[j] - offset_a[j]);
      const double offset = offset_a[j] + delta[j] * (nb / n);  // common mean about pilot_a
      const float pilot = static_cast<float>(pilot_a + offset);
      rest[j] = (pilot_a - static_cast<double>(pilot)) + offset;
      pilot_[j] = pilot;
    }
    for (size_t i = 0; i < dimension_; ++i) {
      double* row = Row(i);
      const double* row_b = other.gram_.data() + i * stride_;
      for (size_t j = i; j < dimension_; ++j) {
        const double centred_a = row[j] - na * offset_a[i] * offset_a[j];
        const double centred_b = row_b[j] - nb * offset_b[i] * offset_b[j];
        row[j] = (centred_a + centred_b) + na * (nb / n) * delta[i] * delta[j] + n * rest[i] * rest[j];
      }
    }
    for (size_t j = 0; j < dimension_; ++j) sum_[j] = n * rest[j];
    blocked_rows_ += other.blocked_rows_;
  }
  return Add(pending.data(), pending.size() / dimension_, Exec{});
}

Status GramAccumulator::Finish(bool standardize, const Exec& exec, Moments* moments) const {
  VERGER_RETURN_IF_ERROR(Usable());
  const uint64_t rows = count();
  if (rows < 2) {
    return {"pca/too-few-rows",
            "Expected at least 2 rows for a PCA, but received " + std::to_string(rows) + "; add more images."};
  }
  // Rows that still wait for their block join a copy.
  AlignedArray<double> with_pending;
  AlignedArray<double> sum = sum_;
  AlignedArray<float> pilot = pilot_;
  const double* gram = gram_.data();
  if (pending_rows_ > 0) {
    with_pending = gram_.empty() ? AlignedArray<double>::Zeros(stride_ * stride_) : gram_;
    gram = with_pending.data();
    if (blocked_rows_ == 0) SetPilot(pending_.data(), pending_rows_, &pilot);
    VERGER_RETURN_IF_ERROR(
        AddBlock(pending_.data(), pending_rows_, blocked_rows_, pilot.data(), exec, with_pending.data(), sum.data()));
  }

  const size_t d = dimension_;
  const double n = static_cast<double>(rows);
  moments->dimension = d;
  moments->rows = rows;
  moments->standardized = standardize;
  moments->mean.resize(d);
  moments->scale.assign(d, 1.0);
  std::vector<double> inverse(d, 1.0);
  std::vector<double> offset(d);
  for (size_t j = 0; j < d; ++j) {
    offset[j] = sum[j] / n;
    moments->mean[j] = static_cast<double>(pilot[j]) + offset[j];
    const double variance = (gram[j * stride_ + j] - sum[j] * offset[j]) / (n - 1);
    if (!std::isfinite(variance)) {
      return {"pca/overflow",
              "Expected features small enough to be squared in float32 (below about 1e18), but column " +
                  std::to_string(j) + " (counted from 0) is not; scale the features first."};
    }
    if (standardize && variance > 0) {
      moments->scale[j] = std::sqrt(variance);
      inverse[j] = 1 / moments->scale[j];
    }
  }
  moments->matrix = AlignedArray<double>(d * d);
  double* out = moments->matrix.data();
  constexpr size_t kSide = 64;
  const size_t strips = (d + kSide - 1) / kSide;
  exec.If(d > 200).For(strips, [&](size_t strip, size_t) {
    const size_t i0 = strip * kSide;
    const size_t i1 = std::min(d, i0 + kSide);
    for (size_t j0 = i0; j0 < d; j0 += kSide) {
      const size_t j1 = std::min(d, j0 + kSide);
      for (size_t i = i0; i < i1; ++i) {
        const double factor = inverse[i] / (n - 1);
        for (size_t j = std::max(i, j0); j < j1; ++j) {
          out[i * d + j] = (gram[i * stride_ + j] - sum[i] * offset[j]) * (factor * inverse[j]);
        }
      }
      for (size_t j = j0; j < j1; ++j) {
        for (size_t i = i0; i < std::min(i1, j); ++i) out[j * d + i] = out[i * d + j];
      }
    }
  });
  VERGER_RETURN_IF_ERROR(exec.Check());
  double total = 0;
  for (size_t j = 0; j < d; ++j) {
    double& value = out[j * d + j];
    value = std::max(value, 0.0);
    total += value;
  }
  moments->total_variance = total;
  return Status::Ok();
}

namespace {

constexpr char kMagic[8] = {'V', 'R', 'G', 'P', 'C', 'A', '1', '\n'};

struct Header {
  char magic[8];
  uint64_t dimension;
  uint64_t block_rows;
  uint64_t blocked_rows;
  uint64_t pending_rows;
};

// FNV-1a over 64 bits: guards against truncation and damage, not against malice.
uint64_t Checksum(const uint8_t* bytes, size_t size) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

}  // namespace

Status GramAccumulator::Serialize(std::vector<uint8_t>* bytes) const {
  VERGER_RETURN_IF_ERROR(Usable());
  const size_t d = dimension_;
  const size_t body = blocked_rows_ > 0 ? d * 4 + d * 8 + d * (d + 1) / 2 * 8 : 0;
  bytes->resize(sizeof(Header) + body + pending_rows_ * d * 4 + 8);
  uint8_t* to = bytes->data();
  const auto put = [&to](const void* from, size_t size) {
    if (size != 0) std::memcpy(to, from, size);
    to += size;
  };
  Header header{{}, d, kBlockRows, blocked_rows_, pending_rows_};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  put(&header, sizeof header);
  if (blocked_rows_ > 0) {
    put(pilot_.data(), d * 4);
    put(sum_.data(), d * 8);
    for (size_t i = 0; i < d; ++i) put(gram_.data() + i * stride_ + i, (d - i) * 8);
  }
  put(pending_.data(), pending_rows_ * d * 4);
  const uint64_t checksum = Checksum(bytes->data(), bytes->size() - 8);
  put(&checksum, 8);
  return Status::Ok();
}

Status GramAccumulator::Deserialize(const uint8_t* bytes, size_t size, std::unique_ptr<GramAccumulator>* accumulator) {
  const auto bad = [](const char* why) {
    return Status("pca/state", std::string("Expected the bytes of a saved PCA accumulator, but ") + why +
                                   "; accumulate the rows again.");
  };
  Header header;
  if (size < sizeof header + 8) return bad("they are too short");
  std::memcpy(&header, bytes, sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) return bad("they begin differently");
  const uint64_t d = header.dimension;
  if (d < 1 || d > kMaxDimension || header.block_rows != kBlockRows || header.pending_rows >= kBlockRows ||
      header.blocked_rows % kBlockRows != 0) {
    return bad("their header makes no sense");
  }
  const uint64_t body = header.blocked_rows > 0 ? d * 4 + d * 8 + d * (d + 1) / 2 * 8 : 0;
  if (size != sizeof header + body + header.pending_rows * d * 4 + 8) return bad("they are cut short or too long");
  uint64_t checksum;
  std::memcpy(&checksum, bytes + size - 8, 8);
  if (checksum != Checksum(bytes, size - 8)) return bad("their checksum does not match");

  auto made = std::make_unique<GramAccumulator>(static_cast<size_t>(d));
  const uint8_t* from = bytes + sizeof header;
  const auto get = [&from](void* to, size_t count) {
    if (count != 0) std::memcpy(to, from, count);
    from += count;
  };
  made->blocked_rows_ = header.blocked_rows;
  if (header.blocked_rows > 0) {
    get(made->pilot_.data(), made->dimension_ * 4);
    get(made->sum_.data(), made->dimension_ * 8);
    made->gram_ = AlignedArray<double>::Zeros(made->stride_ * made->stride_);
    for (size_t i = 0; i < made->dimension_; ++i) get(made->Row(i) + i, (made->dimension_ - i) * 8);
  }
  if (header.pending_rows > 0) {
    made->pending_ = AlignedArray<float>(kBlockRows * made->dimension_);
    made->pending_rows_ = static_cast<size_t>(header.pending_rows);
    get(made->pending_.data(), made->pending_rows_ * made->dimension_ * 4);
    if (AnyNotFinite(made->pending_.data(), made->pending_rows_ * made->dimension_)) {
      return bad("they hold features that are not finite");
    }
  }
  *accumulator = std::move(made);
  return Status::Ok();
}

}  // namespace verger::linalg
