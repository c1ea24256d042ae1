ps -p 1 -o comm= >"/home/$user/$animal"
