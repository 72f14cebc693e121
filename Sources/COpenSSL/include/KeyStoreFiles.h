#pragma once
// Swift cannot name the members of `struct stat` in a module that also imports FoundationEssentials (its clang module claims the struct).
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/// Gives the open file `file` the owner and the mode of the file at `path`. Returns 1 when done, 0 when there is no file at `path`, -1 on failure and
/// for what is no regular file: a device must not give way to a file.
static inline int serval_take_owner_and_mode(int file, const char *path) {
    struct stat old;
    if (stat(path, &old) != 0) return 0;
    if (!S_ISREG(old.st_mode)) {
        errno = S_ISDIR(old.st_mode) ? EISDIR : EINVAL;
        return -1;
    }
    // An administrator who rewrites a service's file leaves it to the service; without that right the file is the caller's.
    int ignored = fchown(file, old.st_uid, old.st_gid);
    (void)ignored;
    return fchmod(file, old.st_mode & 07777) == 0 ? 1 : -1;
}
