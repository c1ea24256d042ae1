while read -r name system; do
  echo "$name $(kind_of "$system")"
done < <(named_systems) >"/home/$user/sorted"
