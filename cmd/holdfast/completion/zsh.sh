#compdef holdfast

_holdfast() {
  local -a found
  local current=${words[CURRENT]}
  if [[ "$current" == -* ]]; then
    found=("${(@f)$(${words[1,CURRENT-1]} "$current" --generate-bash-completion 2>/dev/null)}")
  else
    found=("${(@f)$(${words[1,CURRENT-1]} --generate-bash-completion 2>/dev/null)}")
  fi
  if [[ -n "${found[1]}" ]]; then
    compadd -- "${found[@]}"
  else
    _files
  fi
}

compdef _holdfast holdfast
