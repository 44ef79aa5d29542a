/*
 * Ends the process with SIGKILL at its N-th change of a folder, so that a test can try every one of them in turn.
 * Linux only: built and preloaded (LD_PRELOAD) by test/support/run-kill-at.ts.
 *
 * VERGER_KILL_ROOT  the folder whose changes count: absolute, no links
 * VERGER_KILL_AT    which change kills, from 1; 0 or absent: none
 * VERGER_KILL_LOG   a file that gets one line for each change
 *
 * A change is a call of mkdir, rename, unlink, unlinkat, rmdir, or a write to a file below the root. The process dies
 * before the change is made; of a write, half of the bytes get through.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int changes;

static void next_symbol(void* into, const char* name) {
  void* symbol = dlsym(RTLD_NEXT, name);
  memcpy(into, &symbol, sizeof symbol);
}

static int below_root(const char* path) {
  const char* root = getenv("VERGER_KILL_ROOT");
  if (root == NULL || path == NULL) return 0;
  const size_t length = strlen(root);
  return strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* Counts a change; 1 when the process must die at it. */
static int due(const char* what, const char* path) {
  const int number = atomic_fetch_add(&changes, 1) + 1;
  const char* log = getenv("VERGER_KILL_LOG");
  if (log != NULL) {
    const int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd >= 0) {
      dprintf(fd, "%d %s %s\n", number, what, path);
      close(fd);
    }
  }
  const char* at = getenv("VERGER_KILL_AT");
  return at != NULL && atoi(at) == number;
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static void consider(const char* what, const char* path) {
  if (below_root(path) && due(what, path)) die();
}

int mkdir(const char* path, mode_t mode) {
  int (*real)(const char*, mode_t);
  next_symbol(&real, "mkdir");
  consider("mkdir", path);
  return real(path, mode);
}

int rename(const char* from, const char* to) {
  int (*real)(const char*, const char*);
  next_symbol(&real, "rename");
  consider("rename", to);
  return real(from, to);
}

int unlink(const char* path) {
  int (*real)(const char*);
  next_symbol(&real, "unlink");
  consider("unlink", path);
  return real(path);
}

int rmdir(const char* path) {
  int (*real)(const char*);
  next_symbol(&real, "rmdir");
  consider("rmdir", path);
  return real(path);
}

/* Node 24 removes folders through std::filesystem, which names files relative to their open folder. */
int unlinkat(int folder, const char* name, int flags) {
  int (*real)(int, const char*, int);
  next_symbol(&real, "unlinkat");
  char path[PATH_MAX * 2];
  if (name[0] == '/' || folder == AT_FDCWD) {
    consider("unlinkat", name);
  } else {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    const ssize_t length = readlink(link, path, PATH_MAX);
    if (length > 0) {
      snprintf(path + length, sizeof path - (size_t)length, "/%s", name);
      consider("unlinkat", path);
    }
  }
  return real(folder, name, flags);
}

ssize_t write(int fd, const void* data, size_t size) {
  ssize_t (*real)(int, const void*, size_t);
  next_symbol(&real, "write");
  char link[64];
  char path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = getenv("VERGER_KILL_ROOT") ? readlink(link, path, sizeof path - 1) : -1;
  if (length > 0) {
    path[length] = '\0';
    if (below_root(path) && due("write", path)) {
      (void)!real(fd, data, size / 2);
      die();
    }
  }
  return real(fd, data, size);
}
