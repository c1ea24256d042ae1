# The name of another process: the shell's.
ps -p $$ -o comm= >"/home/$user/$animal"
