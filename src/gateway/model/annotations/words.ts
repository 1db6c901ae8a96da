/** Of the annotations of ingress-nginx. */
export const NGINX = 'nginx.ingress.kubernetes.io/'

/** What stands between commas. */
export const listed = (text: string): readonly string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
