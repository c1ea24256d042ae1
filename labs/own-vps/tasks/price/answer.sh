# The list price per hour of model/prices.json: a t3.nano in us-east-1 with its disk and its address.
note answer "$(awk -v days="$days" 'BEGIN { print days * 24 * 0.01108 }')"
