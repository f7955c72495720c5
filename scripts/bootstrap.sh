#!/usr/bin/env bash
# Installs what the zoo needs and this machine lacks: Debian packages with apt, LibTorch from PyPI into .venv.
# Instant when nothing is missing; an install that was cut off is found and repaired by the next call.
#   scripts/bootstrap.sh               everything to build and test on the CPU (1.3 GB)
#   scripts/bootstrap.sh --nvcc        also a CUDA compiler where no toolkit stands: compiles the CUDA kernels (+0.3 GB)
#   scripts/bootstrap.sh --cuda        also the CUDA libraries of LibTorch, and nvcc where no toolkit stands (+4 GB)
#   scripts/bootstrap.sh --reference   also .venv-reference: PyTorch and transformers for Python, to compare with (5.6 GB)
#   scripts/bootstrap.sh --check       installs nothing: says what is missing, exit code 1 if anything is
# Environment: ZOO_HOME names a zoo that others have prepared, whose LibTorch is linked (scripts/home.sh); LIBTORCH=/folder uses that LibTorch instead of PyPI's; PYTHON and CXX name an interpreter and a compiler.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=scripts/home.sh
source "$root/scripts/home.sh"
python="${PYTHON:-python3}"
# As CMakeLists.txt chooses.
cxx="${CXX:-$(command -v clang++ || echo c++)}"
minimum_cmake=3.25
minimum_python=3.11  # what the torch wheel asks for

# header that must be found | Debian package that has it (the same list as cmake/Dependencies.cmake)
headers='vector|g++
CLI/CLI.hpp|libcli11-dev
nlohmann/json.hpp|nlohmann-json3-dev
sentencepiece_trainer.h|libsentencepiece-dev
oniguruma.h|libonig-dev
hwy/highway.h|libhwy-dev
png.h|libpng-dev
jpeglib.h|libjpeg-dev
zlib.h|zlib1g-dev
mecab.h|libmecab-dev
gtest/gtest.h|libgtest-dev
gmock/gmock.h|libgmock-dev
rapidcheck.h|librapidcheck-dev'
# Without these the zoo builds as well: `generate --interactive` then does not edit lines, and training has one process.
extra_headers='histedit.h|libedit-dev
gloo/config.h|libgloo-dev'

# The small way: torch without its dependencies. libtorch_cpu itself loads two small libraries of the CUDA runtime.
libtorch=(torch==2.15.0)
if [ "$(uname -s)" = Linux ]; then libtorch+=('nvidia-cuda-cupti==13.2.*' 'nvidia-cuda-runtime==13.2.*'); fi
cuda=(torch==2.15.0)
nvcc=(nvidia-cuda-nvcc==13.2.86 nvidia-cuda-crt==13.2.86 nvidia-nvvm==13.2.86)
reference=(torch==2.15.0 transformers==5.23.0 tokenizers==0.23.3 sentencepiece==0.2.3 safetensors==0.8.0
  tiktoken tensorboard numpy pillow protobuf 'sacrebleu[ja]==2.6.0' scikit-learn)

say() { printf 'bootstrap: %s\n' "$*"; }
stop() {
  printf 'bootstrap: %s\n' "$*" >&2
  exit 1
}

# ---- What is missing ------------------------------------------------------------------------------------------------
# One preprocessor call asks for all headers at once; it finds them wherever this compiler looks, Debian or not.
missing_headers() {  # list
  local source='' header package
  while IFS='|' read -r header package; do
    source+="#if !__has_include(<$header>)"$'\n'"\"missing:$package\""$'\n#endif\n'
  done <<<"$1"
  "$cxx" -std=c++20 -E -P -x c++ - <<<"$source" | sed -n 's/^"missing:\(.*\)"$/\1/p'
}

missing_packages() {
  command -v cmake >/dev/null || echo cmake
  command -v ninja >/dev/null || echo ninja-build
  if command -v "$cxx" >/dev/null; then
    missing_headers "$headers"
  else
    echo clang  # loads precompiled headers in a quarter of g++'s time; g++ brings the standard library
    cut -d'|' -f2 <<<"$headers"  # cannot ask without a compiler; apt skips what is there
  fi
  # Data, not a header: the dictionary of `score --tokenize ja-mecab`.
  if command -v apt-get >/dev/null && ! [ -e /var/lib/mecab/dic/ipadic-utf8/sys.dic ]; then echo mecab-ipadic-utf8; fi
  if [ -n "$(missing_sets)" ]; then
    command -v "$python" >/dev/null || echo python3
    "$python" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  fi
}

at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# A set's mark is written last and names what was installed: a cut-off or outdated install has no such mark.
is_complete() {  # set, folder, requirements...
  local mark="$2/complete-$1" folder="$2"
  shift 2
  [ -f "$mark" ] && [ "$(cat "$mark")" = "$*" ] &&
    compgen -G "$folder/lib*/python3*/site-packages/torch/lib/libtorch_cpu.*" >/dev/null
}

missing_sets() {
  [ -n "${LIBTORCH:-}" ] || is_complete libtorch "$root/.venv" "${libtorch[@]}" || echo libtorch
  [ "$with_nvcc" = no ] || [ "$have_nvcc" = yes ] || is_complete nvcc "$root/.venv" "${nvcc[@]}" || echo nvcc
  [ "$with_cuda" = no ] || is_complete cuda "$root/.venv" "${cuda[@]}" || echo cuda
  [ "$with_reference" = no ] || is_complete reference "$root/.venv-reference" "${reference[@]}" || echo reference
}

# ---- Installing -----------------------------------------------------------------------------------------------------
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

install_packages() {
  local by_hand="apt-get install $*"
  command -v apt-get >/dev/null ||
    stop "this is not Debian or Ubuntu: install the equivalents of these packages, then call again: $*"
  [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; } ||
    stop "packages are missing and this user may not install them: as root run '$by_hand', then call again"
  say "installing with apt: $*"
  # Ubuntu's unattended upgrades may hold apt's lock just after the first start: wait for it.
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
  as_root "${apt[@]}" update || say "apt could not refresh its lists; trying with those that are there"
  as_root "${apt[@]}" install -y --no-install-recommends "$@" ||
    stop "apt could not install the packages (its message is above): run '$by_hand' by hand, then call again"
}

# Tried once: a machine where they cannot be had is not asked again.
install_extras() {
  local mark="$root/.cache/without-extras" extras
  [ -w "$root" ] && [ ! -e "$mark" ] || return 0
  extras="$(missing_headers "$extra_headers")"
  # shellcheck disable=SC2086
  if [ -n "$extras" ] && ! (install_packages $extras); then
    mkdir -p "$root/.cache" && echo "$extras" >"$mark"
    # shellcheck disable=SC2086
    say "going on without" $extras "(to try again, delete $mark): without libedit-dev generate --interactive does not edit lines, without libgloo-dev training has one process"
  fi
}

check_versions() {
  local version
  version="$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')"
  at_least "$minimum_cmake" "$version" ||
    stop "CMake $minimum_cmake or later is needed, here is $version: install a newer one, for instance with 'pip install --user cmake'"
  [ -n "$(missing_sets)" ] || return 0
  version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
  at_least "$minimum_python" "$version" ||
    stop "PyPI's torch needs Python $minimum_python or later, $python is $version: name one with PYTHON=..., or a LibTorch folder with LIBTORCH=..."
}

# Prints name==version of every distribution with a file that is absent or has another length than its list says.
broken_distributions='
import importlib.metadata as metadata, os
for distribution in metadata.distributions():
    files = [file for file in distribution.files or [] if file.size is not None]
    paths = [(str(distribution.locate_file(file)), file.size) for file in files]
    if any(not os.path.exists(path) or os.path.getsize(path) != size for path, size in paths):
        print(distribution.metadata["Name"] + "==" + distribution.version)
'

make_venv() {  # folder
  if ! "$1/bin/python" -c '' 2>/dev/null; then
    "$python" -m venv --clear "$1" || stop "cannot make a virtual environment in $1 (the reason is above)"
  elif ! "$1/bin/python" -m pip --version >/dev/null 2>&1; then
    "$1/bin/python" -m ensurepip >/dev/null || stop "$1 has no pip: delete that folder, then call again"
  fi
}

install_set() {  # set, folder, size, pip's extra options, requirements...
  local set="$1" folder="$2" size="$3" options="$4" broken
  shift 4
  if is_complete "$set" "$folder" "$@"; then return; fi
  local pip=("$folder/bin/python" -m pip install --disable-pip-version-check --no-input)
  local failed="pip could not install into $folder (its message is above): check network and free space, then call again"
  rm -f "$folder/complete-$set"
  make_venv "$folder"
  broken="$("$folder/bin/python" -c "$broken_distributions")"
  # shellcheck disable=SC2086 # lists of words
  if [ -n "$broken" ]; then
    say "an earlier install was cut off; repairing" $broken
    "${pip[@]}" --force-reinstall --no-deps $broken || stop "$failed"
  fi
  say "installing with pip into ${folder#"$root"/} ($size, takes minutes): $*"
  # shellcheck disable=SC2086
  "${pip[@]}" $options "$@" || stop "$failed"
  echo "$*" >"$folder/complete-$set"
}

install_sets() {
  if command -v flock >/dev/null; then  # two calls at once: the second waits, then finds everything there
    mkdir -p "$root/.cache"
    exec 9>"$root/.cache/bootstrap.lock"
    flock -n 9 || { say "another bootstrap is at work; waiting for it" && flock 9; }
  fi
  [ -n "${LIBTORCH:-}" ] || install_set libtorch "$root/.venv" '1.3 GB' --no-deps "${libtorch[@]}"
  [ "$with_nvcc" = no ] || [ "$have_nvcc" = yes ] ||
    install_set nvcc "$root/.venv" '0.3 GB' --no-deps "${nvcc[@]}"
  [ "$with_cuda" = no ] || install_set cuda "$root/.venv" '5 GB' '' "${cuda[@]}"
  [ "$with_reference" = no ] || install_set reference "$root/.venv-reference" '5.6 GB' '' "${reference[@]}"
}

# ---- Main -----------------------------------------------------------------------------------------------------------
only_check=no with_nvcc=no with_cuda=no with_reference=no
for argument in "$@"; do
  case "$argument" in
    --check) only_check=yes ;;
    --nvcc) with_nvcc=yes ;;
    --cuda) with_nvcc=yes with_cuda=yes ;;
    --reference) with_reference=yes ;;
    -h | --help)
      sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *) stop "unknown option $argument; known are --nvcc, --cuda, --reference, --check" ;;
  esac
done
if [ -n "${LIBTORCH:-}" ]; then
  found=no
  for folder in "$LIBTORCH" "$LIBTORCH/libtorch" "$LIBTORCH/torch"; do
    if [ -f "$folder/include/torch/csrc/api/include/torch/torch.h" ]; then found=yes; fi
  done
  [ $found = yes ] ||
    stop "LIBTORCH is $LIBTORCH, where no include/torch/csrc/api/include/torch/torch.h is: name the folder of an unpacked LibTorch"
fi
have_nvcc=no
if command -v nvcc >/dev/null || [ -x "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" ]; then have_nvcc=yes; fi
if [ -n "${CXX:-}" ] && ! command -v "$cxx" >/dev/null; then stop "CXX names $cxx, which is not on this machine"; fi
if command -v "$cxx" >/dev/null && ! "$cxx" -std=c++20 -E -x c++ /dev/null >/dev/null 2>&1; then
  stop "$cxx does not know C++20: name a newer compiler with CXX=..., for instance g++ 12 or clang++ 14"
fi

[ "$only_check" = yes ] || link_shared
packages="$(missing_packages)"
sets="$(missing_sets)"
if [ "$only_check" = yes ]; then
  [ -n "$packages$sets" ] || exit 0
  # shellcheck disable=SC2086 # lists of words on one line
  stop "missing:" $packages $sets
fi
# shellcheck disable=SC2086
if [ -n "$packages" ]; then
  install_packages $packages ccache
  still_missing="$(missing_packages)"
  [ -z "$still_missing" ] || stop "installed, but still not found:" $still_missing
fi
[ -z "$sets" ] || ! [ -L "$root/.venv" ] || [ -w "$root/.venv" ] ||
  stop "$zoo_home/.venv lacks $(paste -sd' ' - <<<"$sets"): have scripts/bootstrap.sh called there, or remove the link .venv to install your own"
[ -z "$sets" ] || [ -w "$root" ] || stop "$root lacks $(paste -sd' ' - <<<"$sets") and may only be read: have scripts/bootstrap.sh called there"
install_extras
check_versions
[ -z "$sets" ] || install_sets
[ -z "$packages$sets" ] || say "everything is in place"
