# The user namespace gives 0 to the login user itself, so the subordinate IDs begin with 1.
note answer "$((first + uid - 1))"
