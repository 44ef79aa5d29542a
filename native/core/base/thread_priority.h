// Threads that give way to others: long work in the background beside a window that people look at.
#pragma once

namespace verger {

// Lowers the priority of the calling thread for good, so that threads at the ordinary priority run first whenever they
// have something to do; a processor that nobody else wants is still used whole. Linux: nice 10, which threads that this
// one starts inherit. macOS: QoS class "utility". Windows: below normal. Returns false where the system refuses.
bool LowerThreadPriority();

}  // namespace verger
