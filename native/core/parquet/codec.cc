#include "core/parquet/codec.h"

#include <zlib.h>
#include <zstd.h>

#include <cstring>
#include <string>

#if defined(VERGER_HAVE_SNAPPY)
#include <snappy.h>
#endif

namespace verger::parquet {

namespace {

// Parquet's GZIP: RFC 1952 members, possibly several; some writers emit zlib streams (RFC 1950). 15 + 32 detects both.
bool Inflate(const uint8_t* data, size_t size, uint8_t* out, size_t out_size) {
  if (size > UINT32_MAX || out_size > UINT32_MAX) return false;
  z_stream stream = {};
  if (inflateInit2(&stream, 15 + 32) != Z_OK) return false;
  stream.next_in = const_cast<Bytef*>(data);
  stream.avail_in = static_cast<uInt>(size);
  stream.next_out = out;
  stream.avail_out = static_cast<uInt>(out_size);
  int result = inflate(&stream, Z_FINISH);
  while (result == Z_STREAM_END && stream.avail_in > 0 && stream.avail_out > 0) {
    if (inflateReset(&stream) != Z_OK) break;
    result = inflate(&stream, Z_FINISH);
  }
  const bool whole = result == Z_STREAM_END && stream.avail_out == 0;
  inflateEnd(&stream);
  return whole;
}

}  // namespace

bool CodecSupported(Codec codec) {
  switch (codec) {
    case Codec::kNone:
    case Codec::kZstd:
    case Codec::kGzip:
      return true;
    case Codec::kSnappy:
#if defined(VERGER_HAVE_SNAPPY)
      return true;
#else
      return false;
#endif
    default:
      return false;
  }
}

const char* CodecName(Codec codec) {
  switch (codec) {
    case Codec::kNone:
      return "none";
    case Codec::kSnappy:
      return "snappy";
    case Codec::kGzip:
      return "gzip";
    case Codec::kLzo:
      return "lzo";
    case Codec::kBrotli:
      return "brotli";
    case Codec::kLz4:
      return "lz4";
    case Codec::kZstd:
      return "zstd";
    case Codec::kLz4Raw:
      return "lz4_raw";
  }
  return "unknown";
}

bool PlausibleSize(Codec codec, const uint8_t* data, size_t size, size_t out_size) {
  switch (codec) {
    case Codec::kNone:
      return size == out_size;
    case Codec::kZstd: {
      const unsigned long long declared = ZSTD_getFrameContentSize(data, size);
      if (declared == ZSTD_CONTENTSIZE_ERROR) return false;
      if (declared != ZSTD_CONTENTSIZE_UNKNOWN && declared > out_size) return false;
      // A block of at least 4 bytes holds at most 128 KiB.
      return out_size / (size_t{32} << 10) <= size;
    }
    case Codec::kGzip:
      return out_size / 1032 <= size;  // deflate's limit
#if defined(VERGER_HAVE_SNAPPY)
    case Codec::kSnappy: {
      size_t length = 0;
      return snappy::GetUncompressedLength(reinterpret_cast<const char*>(data), size, &length) && length == out_size &&
             out_size / 64 <= size;  // a copy of at most 64 bytes takes at least 2
    }
#endif
    default:
      return false;
  }
}

Compressor::Compressor(Codec codec, int level) : codec_(codec) {
  if (codec != Codec::kZstd) return;
  ZSTD_CCtx* context = ZSTD_createCCtx();
  zstd_ = context;
  if (context == nullptr) return;
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  // 4 bytes a page and every reader notices a flipped bit.
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
}

Compressor::~Compressor() { ZSTD_freeCCtx(static_cast<ZSTD_CCtx*>(zstd_)); }

Status Compressor::Compress(const uint8_t* data, size_t size, std::vector<uint8_t>& out) {
  const size_t start = out.size();
  if (codec_ == Codec::kNone) {
    out.insert(out.end(), data, data + size);
    return Status::Ok();
  }
  if (codec_ == Codec::kZstd) {
    out.resize(start + ZSTD_compressBound(size));
    const size_t written = zstd_ == nullptr ? static_cast<size_t>(-1)
                                            : ZSTD_compress2(static_cast<ZSTD_CCtx*>(zstd_), out.data() + start,
                                                             out.size() - start, data, size);
    if (zstd_ == nullptr || ZSTD_isError(written)) {
      out.resize(start);
      return {"native/memory",
              "Expected zstd to compress a page, but it failed; close other programs to free some memory."};
    }
    out.resize(start + written);
    return Status::Ok();
  }
#if defined(VERGER_HAVE_SNAPPY)
  if (codec_ == Codec::kSnappy) {
    out.resize(start + snappy::MaxCompressedLength(size));
    size_t written = 0;
    snappy::RawCompress(reinterpret_cast<const char*>(data), size, reinterpret_cast<char*>(out.data() + start),
                        &written);
    out.resize(start + written);
    return Status::Ok();
  }
#endif
  return {"parquet/unsupported", std::string("Expected a codec this build can write (zstd or none), but ") +
                                     CodecName(codec_) + " was asked for; choose zstd."};
}

Decompressor::~Decompressor() { ZSTD_freeDCtx(static_cast<ZSTD_DCtx*>(zstd_)); }

bool Decompressor::Decompress(Codec codec, const uint8_t* data, size_t size, uint8_t* out, size_t out_size) {
  switch (codec) {
    case Codec::kNone:
      if (size != out_size) return false;
      if (size != 0) std::memcpy(out, data, size);
      return true;
    case Codec::kZstd: {
      if (zstd_ == nullptr) zstd_ = ZSTD_createDCtx();
      if (zstd_ == nullptr) return false;
      const size_t got = ZSTD_decompressDCtx(static_cast<ZSTD_DCtx*>(zstd_), out, out_size, data, size);
      return !ZSTD_isError(got) && got == out_size;
    }
    case Codec::kGzip:
      return Inflate(data, size, out, out_size);
#if defined(VERGER_HAVE_SNAPPY)
    case Codec::kSnappy: {
      // RawUncompress writes as much as the data declares: that must be what there is room for.
      size_t length = 0;
      const char* bytes = reinterpret_cast<const char*>(data);
      return snappy::GetUncompressedLength(bytes, size, &length) && length == out_size &&
             snappy::RawUncompress(bytes, size, reinterpret_cast<char*>(out));
    }
#endif
    default:
      return false;
  }
}

}  // namespace verger::parquet
