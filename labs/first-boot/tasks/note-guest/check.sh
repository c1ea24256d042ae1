file="/home/$user/$animal"
[ -f "$file" ] || no "there is no file ~/$animal in the $target"
said=$(tr -d '[:space:]' <"$file")
here=$(cat /proc/1/comm)
[ "$said" = "$here" ] || no "~/$animal in the $target does not hold the name of process 1 there"
note process-1 "$here"
