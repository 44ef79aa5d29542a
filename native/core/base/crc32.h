// The CRC-32 of zlib, PNG, gzip and S3: IEEE 802.3, reflected, polynomial 0xEDB88320.
#pragma once

#include <cstdint>
#include <span>

namespace verger {

// Continues a checksum: `value` is the CRC-32 of the bytes before, 0 at the beginning, and the result that of both
// together, so no bytes leave it as it is. Any alignment and length.
uint32_t Crc32(std::span<const uint8_t> bytes, uint32_t value = 0);

// True where the processor multiplies without carries (x86 since 2010, ARM64 with PMULL) and Crc32 folds whole vectors,
// nearly as fast as a core reads memory. Elsewhere it looks up tables, 8 bytes at a time, and an implementation with
// instructions of another kind may be faster.
bool Crc32IsAccelerated();

}  // namespace verger
