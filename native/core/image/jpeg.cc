#include "core/image/jpeg.h"

#include <hwy/base.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

// Needs FILE and size_t first.
#include <jpeglib.h>
// Needs jpeglib.h first: its numbering depends on how the library was configured.
#include <jerror.h>

#include "core/image/header.h"

#if !defined(LIBJPEG_TURBO_VERSION)
#error "libjpeg-turbo is required: its RGB output and SIMD are relied upon"
#endif

namespace verger::image {

namespace {

// Rows are handed over in bands of about this many bytes: a small picture whole, because decoding and resizing evict
// each other's tables from the nearest cache whenever they take turns (8 % of the time of a 100 px photo).
constexpr size_t kBandBytes = size_t{64} << 10;
constexpr size_t kMaxBandRows = 128;

enum class Outcome : uint8_t {
  kOk,
  kSinkFailed,
  kCancelled,
  kTruncated,
  kCorrupt,
  kUnsupported,
  kTooManyScans,
  kMemory,
};

// One row of CMYK to RGB, in place. Adobe writes the four inks inverted.
void CmykToRgb(uint8_t* row, size_t width, bool inverted) {
  const uint32_t flip = inverted ? 0 : 255;
  for (size_t x = 0; x < width; ++x) {
    const uint32_t key = row[x * 4 + 3] ^ flip;
    for (size_t c = 0; c < 3; ++c) {
      row[x * 3 + c] = static_cast<uint8_t>(((row[x * 4 + c] ^ flip) * key + 127) / 255);
    }
  }
}

}  // namespace

struct JpegDecoder::State {
  jpeg_decompress_struct info = {};
  jpeg_error_mgr errors = {};
  jpeg_source_mgr source = {};
  jpeg_progress_mgr progress = {};
  std::jmp_buf escape = {};
  bool created = false;
  Buffer<uint8_t> rows;

  // Of the picture under way. Everything that must survive a longjmp lives here, not on the stack.
  const DecodeLimits* limits = nullptr;
  RowSink* sink = nullptr;
  size_t target_width = 0;
  size_t target_height = 0;
  bool exhausted = false;  // the decoder asked for more than the file has
  Outcome outcome = Outcome::kOk;
  Status sink_status;
  char message[JMSG_LENGTH_MAX] = {};
};

namespace {

using State = JpegDecoder::State;

template <typename Info>
State& StateOf(Info* info) {
  return *static_cast<State*>(info->client_data);
}

// Back to Run(). Only libjpeg's frames and Protected(), which owns nothing, lie between.
[[noreturn]] void Leave(State& state, Outcome outcome) {
  state.outcome = outcome;
  std::longjmp(state.escape, 1);
}

[[noreturn]] void OnError(j_common_ptr info) {
  State& state = StateOf(info);
  info->err->format_message(info, state.message);
  switch (info->err->msg_code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
    case JERR_WIDTH_OVERFLOW:
      Leave(state, Outcome::kMemory);
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
      Leave(state, Outcome::kUnsupported);
    default:
      Leave(state, state.exhausted ? Outcome::kTruncated : Outcome::kCorrupt);
  }
}

// libjpeg goes on after "warnings" with made-up pixels. Those that mean lost picture data are errors here.
void OnMessage(j_common_ptr info, int level) {
  if (level >= 0) return;
  State& state = StateOf(info);
  ++info->err->num_warnings;
  switch (info->err->msg_code) {
    case JWRN_HIT_MARKER:
#if defined(D_ARITH_CODING_SUPPORTED)
    case JWRN_ARITH_BAD_CODE:
#endif
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
      break;
    default:
      return;
  }
  if (state.exhausted || reinterpret_cast<j_decompress_ptr>(info)->unread_marker == JPEG_EOI) {
    if (state.limits->tolerate_truncated) return;
    Leave(state, Outcome::kTruncated);
  }
  info->err->format_message(info, state.message);
  Leave(state, Outcome::kCorrupt);
}

void OnProgress(j_common_ptr info) {
  State& state = StateOf(info);
  if (!info->is_decompressor) return;
  const int scans = reinterpret_cast<j_decompress_ptr>(info)->input_scan_number;
  if (scans > 0 && static_cast<uint32_t>(scans) > state.limits->max_scans) Leave(state, Outcome::kTooManyScans);
  if (state.sink->Cancelled()) Leave(state, Outcome::kCancelled);
}

void OnOutput(j_common_ptr) {}
void OnSource(j_decompress_ptr) {}

boolean OnExhausted(j_decompress_ptr info) {
  static constexpr JOCTET kEnd[2] = {0xff, JPEG_EOI};
  StateOf(info).exhausted = true;
  info->src->next_input_byte = kEnd;
  info->src->bytes_in_buffer = sizeof(kEnd);
  return TRUE;
}

void OnSkip(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  if (static_cast<size_t>(count) > info->src->bytes_in_buffer) {
    OnExhausted(info);
    return;
  }
  info->src->next_input_byte += count;
  info->src->bytes_in_buffer -= static_cast<size_t>(count);
}

// The fewest eighths that keep both sides at least twice the target. Not 5, 6 or 7: those have no SIMD transform and
// take longer than the whole picture (12 megapixels: 80 to 111 ms against 47).
unsigned Eighths(size_t width, size_t height, size_t target_width, size_t target_height) {
  if (target_width == 0 || target_height == 0) return 8;
  for (const unsigned eighths : {1U, 2U, 3U, 4U}) {
    if (width * eighths >= 2 * target_width * 8 && height * eighths >= 2 * target_height * 8) return eighths;
  }
  return 8;
}

// The decode proper. May be left by longjmp at any call: no object with a destructor may live here.
// A function of its own, never merged into the caller of setjmp, whose locals a jump would leave undefined.
HWY_NOINLINE void Protected(State& state) {
  jpeg_decompress_struct& info = state.info;
  if (!state.created) {
    jpeg_create_decompress(&info);
    state.created = true;
    info.client_data = &state;
    info.progress = &state.progress;
    info.src = &state.source;
  }
  if (jpeg_read_header(&info, TRUE) != JPEG_HEADER_OK) Leave(state, Outcome::kCorrupt);
  state.sink_status = CheckPixelLimit(info.image_width, info.image_height, *state.limits);
  if (!state.sink_status.ok()) Leave(state, Outcome::kSinkFailed);
  const bool inks = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = inks ? JCS_CMYK : JCS_RGB;
  info.dct_method = JDCT_ISLOW;
  info.do_fancy_upsampling = TRUE;
  info.scale_denom = 8;
  info.scale_num = Eighths(info.image_width, info.image_height, state.target_width, state.target_height);
  // Decodes every scan of a progressive file. One that ends between two scans draws no warning.
  const bool scans = jpeg_has_multiple_scans(&info) != 0;
  jpeg_start_decompress(&info);
  if (state.exhausted && scans && !state.limits->tolerate_truncated) Leave(state, Outcome::kTruncated);
  const double scale = info.scale_num / 8.0;
  Frame frame;
  frame.width = info.output_width;
  frame.height = info.output_height;
  frame.extent_width = info.image_width * scale;
  frame.extent_height = info.image_height * scale;
  state.sink_status = state.sink->Begin(frame);
  if (!state.sink_status.ok()) Leave(state, Outcome::kSinkFailed);

  const size_t stride = size_t{info.output_width} * static_cast<size_t>(info.output_components) + kRowPadding;
  const size_t capacity = std::clamp(kBandBytes / stride, kRowsPerCall, kMaxBandRows);
  if (!state.rows.Reserve(stride * capacity)) Leave(state, Outcome::kMemory);
  JSAMPROW rows[kMaxBandRows];
  for (size_t i = 0; i < capacity; ++i) {
    rows[i] = state.rows.data() + i * stride;
    std::memset(rows[i] + stride - kRowPadding, 0, kRowPadding);
  }
  while (info.output_scanline < info.output_height) {
    // libjpeg hands over one row group, often a single row, at a time.
    size_t filled = 0;
    while (filled < capacity && info.output_scanline < info.output_height) {
      const JDIMENSION count = jpeg_read_scanlines(&info, rows + filled, static_cast<JDIMENSION>(capacity - filled));
      if (count == 0) Leave(state, Outcome::kCorrupt);
      filled += count;
    }
    if (inks) {
      for (size_t i = 0; i < filled; ++i) CmykToRgb(rows[i], info.output_width, info.saw_Adobe_marker != 0);
    }
    if (!state.sink->Rows(rows, filled)) Leave(state, Outcome::kCancelled);
  }
  // Arithmetic decoding makes up missing data without a word. A Huffman-coded file that lacks only its end marker has
  // every pixel.
  if (state.exhausted && info.arith_code && !state.limits->tolerate_truncated) Leave(state, Outcome::kTruncated);
}

void Run(State& state) {
  if (setjmp(state.escape) == 0) Protected(state);
}

std::string Sentence(const char* expected, const char* reason, const char* advice) {
  return std::string("Expected ") + expected + ", but libjpeg-turbo reports \"" + reason + "\"; " + advice;
}

}  // namespace

JpegDecoder::JpegDecoder() : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.info.err = jpeg_std_error(&state.errors);
  state.info.client_data = &state;
  state.errors.error_exit = OnError;
  state.errors.emit_message = OnMessage;
  state.errors.output_message = OnOutput;
  state.progress.progress_monitor = OnProgress;
  state.source.init_source = OnSource;
  state.source.fill_input_buffer = OnExhausted;
  state.source.skip_input_data = OnSkip;
  state.source.resync_to_restart = jpeg_resync_to_restart;
  state.source.term_source = OnSource;
}

JpegDecoder::~JpegDecoder() {
  if (state_->created) jpeg_destroy_decompress(&state_->info);
}

Status JpegDecoder::Decode(Bytes bytes, const DecodeLimits& limits, size_t target_width, size_t target_height,
                           RowSink& sink) {
  State& state = *state_;
  state.limits = &limits;
  state.sink = &sink;
  state.target_width = target_width;
  state.target_height = target_height;
  state.exhausted = false;
  state.outcome = Outcome::kOk;
  state.sink_status = Status::Ok();
  state.message[0] = '\0';
  state.errors.num_warnings = 0;
  state.source.next_input_byte = bytes.data();
  state.source.bytes_in_buffer = bytes.size();
  Run(state);
  // Not jpeg_finish_decompress: every row is out, and what follows the picture is of no interest.
  if (state.created) jpeg_abort_decompress(&state.info);
  state.rows.Trim(size_t{1} << 22);
  switch (state.outcome) {
    case Outcome::kOk:
      return Status::Ok();
    case Outcome::kSinkFailed:
      return std::move(state.sink_status);
    case Outcome::kCancelled:
      return Status::Cancelled();
    case Outcome::kMemory:
      return OutOfMemory();
    case Outcome::kTruncated:
      return {"image/truncated",
              "Expected a whole JPEG, but its picture data end early; copy or download the file again, or tolerate "
              "truncated images."};
    case Outcome::kTooManyScans:
      return {"image/too-many-scans", "Expected at most " + std::to_string(limits.max_scans) +
                                          " scans in a progressive JPEG, but it has more; save the image again or "
                                          "raise the scan limit."};
    case Outcome::kUnsupported:
      return {"image/unsupported",
              Sentence("an 8-bit grey, colour or CMYK JPEG", state.message, "convert the image or leave it out.")};
    case Outcome::kCorrupt:
      break;
  }
  return {"image/corrupt", Sentence("a valid JPEG", state.message, "copy or download the file again.")};
}

namespace {

struct Encoder {
  jpeg_compress_struct info = {};
  jpeg_error_mgr errors = {};
  jpeg_destination_mgr destination = {};
  std::jmp_buf escape = {};
  const uint8_t* rgb = nullptr;
};

[[noreturn]] void OnEncodeError(j_common_ptr info) {
  std::longjmp(static_cast<Encoder*>(info->client_data)->escape, 1);
}
void OnEncodeMessage(j_common_ptr, int) {}
void OnDestination(j_compress_ptr) {}
boolean OnFull(j_compress_ptr info) { OnEncodeError(reinterpret_cast<j_common_ptr>(info)); }

bool RunEncoder(Encoder& encoder, size_t width, size_t height, int quality, Subsampling subsampling) {
  if (setjmp(encoder.escape) != 0) return false;
  jpeg_compress_struct& info = encoder.info;
  jpeg_create_compress(&info);
  info.client_data = &encoder;
  info.dest = &encoder.destination;
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  info.dct_method = JDCT_ISLOW;
  const int factor = subsampling == Subsampling::k420 ? 2 : 1;
  info.comp_info[0].h_samp_factor = factor;
  info.comp_info[0].v_samp_factor = factor;
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    // libjpeg only reads rows, but its type is not const.
    JSAMPROW row = const_cast<uint8_t*>(encoder.rgb) + size_t{info.next_scanline} * width * 3;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  return true;
}

}  // namespace

Status EncodeJpeg(const uint8_t* rgb, size_t width, size_t height, int quality, Subsampling subsampling,
                  std::vector<uint8_t>* out) {
  if (width == 0 || height == 0 || width > JPEG_MAX_DIMENSION || height > JPEG_MAX_DIMENSION) {
    return {"image/too-large", "Expected an image with sides from 1 to 65500 pixels for a JPEG, but got " +
                                   std::to_string(width) + " x " + std::to_string(height) + "; shrink it first."};
  }
  // No JPEG of this size can be larger (TurboJPEG's bound, 4:4:4).
  const size_t bound = (width + 15) / 16 * 16 * ((height + 15) / 16 * 16) * 6 + 2048;
  Buffer<uint8_t> buffer;
  if (!buffer.Reserve(bound)) return OutOfMemory();
  Encoder encoder;
  encoder.info.err = jpeg_std_error(&encoder.errors);
  encoder.info.client_data = &encoder;
  encoder.errors.error_exit = OnEncodeError;
  encoder.errors.emit_message = OnEncodeMessage;
  encoder.destination.next_output_byte = buffer.data();
  encoder.destination.free_in_buffer = bound;
  encoder.destination.init_destination = OnDestination;
  encoder.destination.empty_output_buffer = OnFull;
  encoder.destination.term_destination = OnDestination;
  encoder.rgb = rgb;
  const bool done = RunEncoder(encoder, width, height, quality, subsampling);
  const size_t size = bound - encoder.destination.free_in_buffer;
  jpeg_destroy_compress(&encoder.info);
  // Arguments are valid and the buffer is large enough: only libjpeg's own allocations can have failed.
  if (!done) return OutOfMemory();
  out->assign(buffer.data(), buffer.data() + size);
  return Status::Ok();
}

#define VERGER_TEXT_(value) #value
#define VERGER_TEXT(value) VERGER_TEXT_(value)

std::string LibjpegTurboVersion() { return VERGER_TEXT(LIBJPEG_TURBO_VERSION); }

}  // namespace verger::image
