#!/usr/bin/env bash
# Makes one file that runs on machines with nothing but Debian's or Ubuntu's base: the built programs, the libraries that they
# load, recipes, pages and data. Nothing is installed there: unpack it, anywhere.
#   scripts/pack.sh                          transformer-zoo-VERSION-MACHINE.tar.gz in build/, with the data of the class recipes
#   scripts/pack.sh --data NAME[,NAME...]    with these sets of scripts/get_data.sh; --data none: without
#   scripts/pack.sh --runs runs/A[,runs/B]   with these trained models, too
#   scripts/pack.sh --folder DIR             a folder instead of an archive
#   scripts/pack.sh --as-built               without building first
# What the machine's C library must be is printed, and stands in the archive's README: the libraries of all else are in it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stop() {
  printf 'pack: %s\n' "$*" >&2
  exit 1
}

class_data=tinyshakespeare,toy-world,toy-en-fr,mnist,shapes
# The C library itself, which belongs to the machine's kernel and loader.
of_the_system='/(ld-linux[^/]*|lib(c|m|mvec|dl|rt|pthread|util|resolv|anl|nss_[a-z]*))\.so'

data=$class_data folder='' runs='' build=yes
while [ $# -gt 0 ]; do
  case "$1" in
    --data | --folder | --runs)
      [ $# -ge 2 ] || stop "$1 needs a value, see --help"
      case "$1" in
        --data) data=$2 ;;
        --folder) folder=$2 ;;
        --runs) runs=$2 ;;
      esac
      shift 2
      ;;
    --as-built)
      build=no
      shift
      ;;
    -h | --help)
      sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *) stop "unknown option $1; known are --data, --folder, --runs, --as-built" ;;
  esac
done
[ "$(uname -s)" = Linux ] || stop "this packs programs for Linux, and here is $(uname -s)"
[ -w . ] || stop "$PWD may only be read: have scripts/pack.sh called by who keeps it, or in a clone"
if [ "$data" = none ]; then data=''; fi
if [ -n "$folder" ] && [ -e "$folder" ]; then stop "$folder is there already: name a new folder"; fi
for run in ${runs//,/ }; do [ -f "$run/config.json" ] || stop "$run is no trained run: it has no config.json"; done

if [ $build = yes ]; then scripts/build.sh programs; fi
# shellcheck disable=SC2086
if [ -n "$data" ]; then scripts/get_data.sh ${data//,/ }; fi

version="$(sed -n 's/^project(.* VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)"
name="transformer-zoo-$version-$(uname -m)"
mkdir -p build
work="$(mktemp -d build/pack.XXXXXX)"
trap 'rm -rf "$work"' EXIT
pack="$work/$name"

# ---- Programs and what they load ------------------------------------------------------------------------------------
echo "pack: programs"
cmake --install build/release --component programs --prefix "$pack" --strip >/dev/null ||
  stop "build/release has not all programs (the reason is above): call it without --as-built"
mkdir -p "$pack/lib" "$pack/licences"
# ldd on the built ones: they know where the libraries are here.
for program in "$pack"/bin/*; do ldd "build/release/bin/${program##*/}"; done | awk '/=> not found/ { print "missing " $1 } $2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u >"$work/libraries"
if grep '^missing' "$work/libraries" >&2; then stop "the libraries above are not on this machine"; fi
while read -r library; do
  if [[ "$library" =~ $of_the_system ]]; then continue; fi
  cp -L "$library" "$pack/lib/${library##*/}"
  echo "$library" >>"$work/carried"
done <"$work/libraries"
chmod -R u+w,a+rX "$pack"

# The newest symbols that anything in it asks of the C library.
glibc="$(grep -aohE 'GLIBC_2\.[0-9]+' "$pack"/bin/* "$pack"/lib/* | sort -u -V | tail -n 1 | cut -d_ -f2)"

# ---- Licences: what Debian's packages say of theirs, LibTorch's and NVIDIA's wheels of theirs -------------------------
cp LICENSE "$pack/licences/transformer-zoo"
if command -v dpkg-query >/dev/null; then
  while read -r library; do
    package="$(dpkg-query -S "$(readlink -f "$library")" 2>/dev/null || dpkg-query -S "$library" 2>/dev/null || true)"
    package="$(cut -d: -f1 <<<"$package" | head -n 1)"
    if [ -n "$package" ] && [ -f "/usr/share/doc/$package/copyright" ]; then cp -L "/usr/share/doc/$package/copyright" "$pack/licences/$package"; fi
  done <"$work/carried"
fi
for file in .venv/lib/python3*/site-packages/{torch,nvidia_*}-*.dist-info/{,licenses/}{LICENSE,License.txt,NOTICE}; do
  if [ -f "$file" ]; then
    distribution="${file#*site-packages/}"
    cp "$file" "$pack/licences/${distribution%%.dist-info*}-${file##*/}"
  fi
done

# ---- Recipes, pages, data --------------------------------------------------------------------------------------------
mkdir -p "$pack/train" "$pack/data" "$pack/runs" "$pack/build/release"
cp -R train/recipes "$pack/train/"
cp -R docs README.md RESULTS.md LICENSE "$pack/"
rm -rf "$pack/docs/site"
ln -s ../../bin "$pack/build/release/bin" # so that commands run as the pages have them
for set in ${data//,/ }; do cp -RL "data/$set" "$pack/data/"; done
for run in ${runs//,/ }; do
  # The best checkpoint alone, as files: what training needs to go on stays here.
  mkdir -p "$pack/runs/${run##*/}"
  find -L "$run" -maxdepth 1 -type f ! -name 'text.tokens' -exec cp -L {} "$pack/runs/${run##*/}/" \;
done
cat >"$pack/README.txt" <<TEXT
Transformer Zoo $version, programs for Linux on $(uname -m), glibc $glibc or later.
Nothing has to be installed. In this folder:

  bin/train_gpt --config gpt-class --out runs/gpt            a minute on two cores; the other *-class recipes are in train/recipes
  bin/generate --model runs/gpt "ROMEO:"
  bin/train_gpt --help

docs/programs.md describes the programs, docs/first-hour.md is where to begin; commands there that begin with build/release/bin
work here, too; scripts are not part of this archive. Data sets in it: ${data:-none}.
TEXT

# ---- The archive ----------------------------------------------------------------------------------------------------
megabytes() { du -sLm "$1" | cut -f1; }
echo "pack: programs $(megabytes "$pack/bin") MB, libraries $(megabytes "$pack/lib") MB, data $(megabytes "$pack/data") MB; needs glibc $glibc or later"
if [ -n "$folder" ]; then
  mv "$pack" "$folder"
  echo "pack: $folder is ready: README.txt in it says how to begin"
  exit 0
fi
compress=gzip
if command -v pigz >/dev/null; then compress=pigz; fi
tar -C "$work" --owner=0 --group=0 -cf - "$name" | "$compress" >"$work/archive"
mv "$work/archive" "build/$name.tar.gz"
echo "pack: build/$name.tar.gz, $(megabytes "build/$name.tar.gz") MB: unpack it with 'tar -xzf $name.tar.gz', then see README.txt"
