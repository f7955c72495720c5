#include "notebooks-cpp/exercises/grader/contain.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fstream>

namespace exercises {
namespace {

constexpr rlim_t kMegabyte = rlim_t{1} << 20;
constexpr const char* kTried[] = {"start a process", "open a connection", "write or change a file",
                                  "signal another process", "change the limits it runs under"};
enum Kind { kProcess, kConnection, kFile, kSignal, kLimits };

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr uint32_t kArchitecture = 0;
#endif

struct SystemCall {
  long number;
  Kind kind;
};

// Some are missing on newer architectures, which have only the calls that replaced them.
const SystemCall kForbiddenCalls[] = {
    {__NR_execve, kProcess},
    {__NR_execveat, kProcess},
    {__NR_ptrace, kProcess},
    {__NR_process_vm_writev, kProcess},
    {__NR_process_vm_readv, kProcess},
    {__NR_socket, kConnection},
    {__NR_connect, kConnection},
    {__NR_bind, kConnection},
    {__NR_fchmod, kFile},
    {__NR_fchmodat, kFile},
    {__NR_fchown, kFile},
    {__NR_fchownat, kFile},
    {__NR_truncate, kFile},
    {__NR_unlinkat, kFile},
    {__NR_mkdirat, kFile},
    {__NR_linkat, kFile},
    {__NR_symlinkat, kFile},
    {__NR_renameat2, kFile},
    {__NR_mknodat, kFile},
    {__NR_utimensat, kFile},
    {__NR_setxattr, kFile},
    {__NR_mount, kFile},
    {__NR_umount2, kFile},
    {__NR_setrlimit, kLimits},
    {__NR_seccomp, kLimits},
    {__NR_unshare, kLimits},
    {__NR_setns, kLimits},
    {__NR_bpf, kLimits},
    {__NR_io_uring_setup, kLimits},
    {__NR_setpriority, kLimits},
    {__NR_sched_setscheduler, kLimits},
    {__NR_sched_setattr, kLimits},
    {__NR_sched_setparam, kLimits},
    {__NR_ioprio_set, kLimits},
    {__NR_rt_sigqueueinfo, kSignal},
    {__NR_rt_tgsigqueueinfo, kSignal},
    {__NR_lsetxattr, kFile},
    {__NR_fsetxattr, kFile},
    {__NR_removexattr, kFile},
    {__NR_lremovexattr, kFile},
    {__NR_fremovexattr, kFile},
    {__NR_mq_open, kFile},
    {__NR_mq_unlink, kFile},
    {__NR_shmget, kFile},
    {__NR_semget, kFile},
    {__NR_msgget, kFile},
#ifdef __NR_pidfd_send_signal
    {__NR_pidfd_send_signal, kSignal},
#endif
#ifdef __NR_fchmodat2
    {__NR_fchmodat2, kFile},
#endif
#ifdef __NR_fork
    {__NR_fork, kProcess},
    {__NR_vfork, kProcess},
    {__NR_creat, kFile},
    {__NR_chmod, kFile},
    {__NR_chown, kFile},
    {__NR_lchown, kFile},
    {__NR_unlink, kFile},
    {__NR_rmdir, kFile},
    {__NR_mkdir, kFile},
    {__NR_link, kFile},
    {__NR_symlink, kFile},
    {__NR_rename, kFile},
    {__NR_mknod, kFile},
    {__NR_utimes, kFile},
    {__NR_utime, kFile},
    {__NR_futimesat, kFile},
#endif
#ifdef __NR_renameat
    {__NR_renameat, kFile},
#endif
};

// ---- The filter -------------------------------------------------------------------------------

constexpr uint32_t kAllow = SECCOMP_RET_ALLOW;

sock_filter load(size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset));
}
sock_filter give(uint32_t verdict) { return BPF_STMT(BPF_RET | BPF_K, verdict); }
/// Goes on with the next instruction if equal, else skips `other`.
sock_filter unless_equal(uint32_t value, uint8_t other) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, other);
}
sock_filter unless_bits(uint32_t bits, uint8_t other) {
  return BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, other);
}
uint32_t trap(Kind kind) { return SECCOMP_RET_TRAP | static_cast<uint32_t>(kind); }
/// The low half of an argument, on a little-endian machine.
size_t argument(size_t n) { return offsetof(seccomp_data, args) + 8 * n; }
uint32_t number(long call) { return static_cast<uint32_t>(call); }

using Filter = std::vector<sock_filter>;

void forbid(Filter& filter, long call, Kind kind) {
  filter.insert(filter.end(), {unless_equal(number(call), 1), give(trap(kind))});
}

/// Forbidden where the argument has one of these bits.
void forbid_bits(Filter& filter, long call, size_t n, uint32_t bits, Kind kind) {
  filter.insert(filter.end(), {unless_equal(number(call), 4), load(argument(n)),
                               unless_bits(bits, 1), give(trap(kind)), give(kAllow)});
}

/// Forbidden unless the argument has these bits, or is this number.
void only_with_bits(Filter& filter, long call, size_t n, uint32_t bits, Kind kind) {
  filter.insert(filter.end(), {unless_equal(number(call), 4), load(argument(n)),
                               unless_bits(bits, 1), give(kAllow), give(trap(kind))});
}
void only_with(Filter& filter, long call, size_t n, uint32_t value, Kind kind) {
  filter.insert(filter.end(), {unless_equal(number(call), 4), load(argument(n)),
                               unless_equal(value, 1), give(kAllow), give(trap(kind))});
}

Filter make_filter() {
  const auto self = static_cast<uint32_t>(getpid());
  // Another architecture's calls have other numbers: none of them.
  Filter filter = {load(offsetof(seccomp_data, arch)),
                   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
                   give(SECCOMP_RET_KILL_PROCESS), load(offsetof(seccomp_data, nr))};
#ifdef __x86_64__
  // Nor those of x32, which have this bit.
  filter.insert(filter.end(), {unless_bits(0x40000000, 1), give(SECCOMP_RET_ERRNO | ENOSYS)});
#endif
  for (const auto& call : kForbiddenCalls) forbid(filter, call.number, call.kind);
  // glibc then tries clone, whose flags can be read here.
  filter.insert(filter.end(), {unless_equal(__NR_clone3, 1), give(SECCOMP_RET_ERRNO | ENOSYS)});
  filter.insert(filter.end(), {unless_equal(__NR_openat2, 1), give(SECCOMP_RET_ERRNO | ENOSYS)});
  only_with_bits(filter, __NR_clone, 0, CLONE_THREAD, kProcess);
  const uint32_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
  forbid_bits(filter, __NR_openat, 2, writing, kFile);
#ifdef __NR_open
  forbid_bits(filter, __NR_open, 1, writing, kFile);
#endif
  forbid_bits(filter, __NR_prlimit64, 2, ~0u, kLimits);  // a new limit; none is a query
  // A descriptor may send signals, too: to whom it is told to.
  filter.insert(filter.end(), {unless_equal(__NR_fcntl, 6), load(argument(1)),
                               unless_equal(F_SETOWN, 1), give(trap(kSignal)),
                               unless_equal(F_SETOWN_EX, 1), give(trap(kSignal)), give(kAllow)});
  only_with(filter, __NR_kill, 0, self, kSignal);
  only_with(filter, __NR_tgkill, 0, self, kSignal);
#ifdef __NR_tkill
  forbid(filter, __NR_tkill, kSignal);
#endif
  filter.push_back(give(kAllow));
  return filter;
}

// ---- What happens to a forbidden call -----------------------------------------------------------

std::array<std::vector<char>, std::size(kTried)> frames;
int frame_descriptor = -1;

/// Everything was made before: a handler may only call what is safe in signals.
void on_forbidden(int, siginfo_t* info, void*) {
  const auto kind = static_cast<size_t>(info->si_errno) % frames.size();
  const auto written = write(frame_descriptor, frames[kind].data(), frames[kind].size());
  _exit(written > 0 ? 0 : 1);
}

bool install_filter() {
  if (kArchitecture == 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  struct sigaction action {};
  action.sa_sigaction = on_forbidden;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSYS, &action, nullptr);
  Filter filter = make_filter();
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

void limit(__rlimit_resource resource, rlim_t value) {
  const rlimit both{value, value};
  setrlimit(resource, &both);
}

/// Root without them may not look into the grader.
void drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  syscall(SYS_capset, &header, none.data());
}

/// Bytes of address space in use: an absolute limit would fail where torch maps more.
rlim_t used_memory() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

bool contain(int descriptor,
             const std::function<std::vector<char>(const std::string&)>& frame_for) {
  for (size_t n = 0; n < frames.size(); ++n)
    frames[n] = frame_for(std::string("tried to ") + kTried[n]);
  frame_descriptor = descriptor;
  limit(RLIMIT_AS, used_memory() + 1024 * kMegabyte);
  limit(RLIMIT_CPU, 120);
  limit(RLIMIT_FSIZE, kMegabyte);
  limit(RLIMIT_NOFILE, 64);
  limit(RLIMIT_CORE, 0);
  drop_capabilities();
  return install_filter();
}

}  // namespace exercises
