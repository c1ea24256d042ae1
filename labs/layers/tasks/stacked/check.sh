cd "/srv/$name" 2>/dev/null || no "there is no folder /srv/$name"
options=$(findmnt --noheadings --types overlay --output OPTIONS "/srv/$name/merged") ||
  no "no overlay file system is mounted on /srv/$name/merged"
upper=$(tr , '\n' <<<"$options" | sed -n 's/^upperdir=//p')
[ -n "$upper" ] || no "this overlay has no upper folder, so nobody can write to it"
[ -e lower/old ] && [ -e lower/colour ] || no "the files old and colour must still be in /srv/$name/lower"
[ "$(cat lower/colour)" != "$colour" ] || no "colour was changed in /srv/$name/lower, below the overlay"
[ "$(cat merged/colour)" = "$colour" ] || no "/srv/$name/merged/colour does not say $colour"
[ ! -e merged/old ] || no "/srv/$name/merged still shows the file old"
note whiteout "$(stat --format '%F %t,%T' upper/old)"
