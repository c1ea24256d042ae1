file="/home/$user/sorted"
[ -f "$file" ] || no "there is no file ~/sorted in the $target"
right=0
while read -r name system; do
  said=$(awk -v name="$name" '$1 == name { print $2 }' "$file")
  case $said in
    type-1 | type-2 | container | metal) ;;
    "") no "~/sorted has no line with $name and its kind" ;;
    *) no "the kind of $name in ~/sorted must be type-1, type-2, container or metal" ;;
  esac
  if [ "$said" = "$(kind_of "$system")" ]; then right=$((right + 1)); fi
done < <(named_systems)
[ $right -eq 7 ] || no "$right of the 7 systems in ~/sorted have the right kind"
note right $right
