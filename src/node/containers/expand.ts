/** `$(NAME)` becomes the value of a name that is known, `$$` one dollar; anything else stays as it is. */
export function expand(text: string, valueOf: (name: string) => string | undefined): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (match, name: string | undefined) => {
    if (name === undefined) return '$'
    return valueOf(name) ?? match
  })
}
