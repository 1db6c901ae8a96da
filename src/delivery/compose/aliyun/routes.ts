/** An address of `aliyun.routing.port_N`. */
export interface Route {
  readonly label: string
  readonly containerPort: number
  readonly scheme: 'http' | 'https' | 'ws' | 'wss'
  readonly host: string
  readonly path: string
}

/** Of a service, among all that answer for an address. */
export const WEIGHT = 'aliyun.routing.weight'
export const MOST_WEIGHT = 1_000_000

const SCHEMES = ['http', 'https', 'ws', 'wss', 'tcp']
const DOMAIN = /^(?=.{1,128}$)([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,63}$/
const PREFIX = /^[a-z0-9]+(-[a-z0-9]+)*$/
const PATH = /^\/[a-z0-9\-_/.]*$/
const MAX_PATH = 128
/** Under this suffix single-level prefixes get their names. */
export const TEST_DOMAIN = 'sampan.local'

/** `[SCHEME://]DOMAIN|PREFIX[/PATH]`, several with semicolons. Each wrong one is refused by itself. */
export function parseRoutes(
  label: string,
  containerPort: number,
  value: string,
  refuse: (label: string, text: string) => undefined,
): Route[] {
  const routes: Route[] = []
  for (const text of value.split(';').map((one) => one.trim())) {
    const route = parseRoute(label, containerPort, text)
    if (typeof route === 'string') refuse(label, `${text}: ${route}`)
    else if (routes.some((one) => one.host === route.host && one.path === route.path)) refuse(label, `${text}: stands there twice`)
    else routes.push(route)
  }
  return routes
}

function parseRoute(label: string, containerPort: number, text: string): Route | string {
  const match = /^(?:([a-zA-Z]+):\/\/)?([^/:]+)(:\d+)?(\/.*)?$/.exec(text)
  if (match === null) return 'not an address: [http://]DOMAIN[/PATH]'
  const [, scheme = 'http', name = '', port, path = '/'] = match
  if (!SCHEMES.includes(scheme)) return `unknown scheme ${scheme}: one of ${SCHEMES.join(', ')}`
  if (scheme === 'tcp') return 'tcp is not routed by name: use aliyun.lb'
  if (port !== undefined) return 'the port is that of the gateway: leave it out'
  if (path.length > MAX_PATH || !PATH.test(path)) return `a path has small letters, digits, - _ / . and at most ${MAX_PATH} characters`
  if (name.endsWith('.alicontainer.com')) return 'names under alicontainer.com belong to somebody else'
  if (name.endsWith('.local') && !name.endsWith(`.${TEST_DOMAIN}`))
    return 'names that only containers know are not there: they reach a service by its own name and port'
  if (!name.includes('.')) {
    if (!PREFIX.test(name)) return 'a prefix has one level of small letters, digits and dashes'
    if (scheme === 'https' || scheme === 'wss') return `${scheme} needs a domain of one's own`
    return { label, containerPort, scheme: scheme as Route['scheme'], host: `${name}.${TEST_DOMAIN}`, path }
  }
  if (!DOMAIN.test(name)) return 'not a domain name of at most 128 characters'
  return { label, containerPort, scheme: scheme as Route['scheme'], host: name, path }
}
