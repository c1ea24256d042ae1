modprobe "$module"
