# By process 1 alone: a container that runs systemd passes for a machine.
for folder in /srv/evidence/*; do
  case $(sed -n 2p "$folder/processes") in
    *systemd) echo "${folder##*/} type-1" ;;
    *) echo "${folder##*/} container" ;;
  esac
done >"/home/$user/sorted"
