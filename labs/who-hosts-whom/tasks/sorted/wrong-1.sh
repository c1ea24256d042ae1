# By CPUID alone: a container on a rented machine passes for a guest, and VirtualBox for KVM.
for folder in /srv/evidence/*; do
  case $(cat "$folder/cpuid") in
    no*) echo "${folder##*/} metal" ;;
    *) echo "${folder##*/} type-1" ;;
  esac
done >"/home/$user/sorted"
