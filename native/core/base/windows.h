// What the Windows branches share. Empty elsewhere.
#pragma once

#if defined(_WIN32)

#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

#include <string>

namespace verger {

// The UTF-16 form of a UTF-8 path, absolute and with the \\?\ prefix when it is too long for the classic limit.
std::wstring WidePath(const std::string& path);

}  // namespace verger

#endif
