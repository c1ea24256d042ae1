note answer "$slow"
