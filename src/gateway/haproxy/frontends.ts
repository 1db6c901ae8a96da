import { type Spot, spotText } from '../model/spot.ts'
import { DEEP_KEY, type ListenPort } from '../model/wish.ts'
import { ringFrontend } from '../measure/ring.ts'
import type { Places } from './places.ts'
import type { Listening } from './listening.ts'

/** So many labels may be in front of what a name of a passthrough route ends with. */
const DEEPEST_NAME = 8

/** One section for each port of each address, and two where connections are told apart before they are decrypted. Numbers, addresses and fixed words. */
export function frontends(places: Places, { address, ownAddresses, httpPort, httpsPort, more }: Listening): readonly string[] {
  const usual: readonly ListenPort[] = [
    { port: httpPort, kind: 'http' },
    {
      port: httpsPort,
      kind: more.some((one) => one.address === undefined && one.port === httpsPort && one.kind === 'both') ? 'both' : 'https',
    },
  ]
  const isUsual = (spot: Spot): boolean => spot.address === undefined && (spot.port === httpPort || spot.port === httpsPort)
  const others = more.filter((spot) => !isUsual(spot))
  return [...usual, ...others].flatMap((spot) => {
    const name = spotText(spot)
    const place = `${spot.address ?? address}:${spot.port}`
    // All addresses are not meant where one is a Gateway's own, whatever ports that has.
    const apart =
      spot.address === undefined && ownAddresses.length > 0 ? [`  tcp-request connection reject if { dst ${ownAddresses.join(' ')} }`] : []
    const space = isUsual(spot) ? '' : `${name}:`
    const secure = `ssl crt-list ${places.certificateList} alpn h2,http/1.1`
    switch (spot.kind) {
      case 'http':
        return ofRequests(places, spot, 'http', space, place, apart)
      case 'https':
        return ofRequests(places, spot, 'https', space, `${place} ${secure}`, apart)
      case 'passthrough':
        return ofConnections(places, name, place, apart, undefined)
      case 'both': {
        const inner = innerAddress(places, name.replaceAll(':', '-'))
        return [
          ...ofConnections(places, name, place, apart, `inner${name}`),
          `backend inner${name} from base`,
          '  mode tcp',
          '  timeout server 1h',
          `  server inner ${inner} send-proxy-v2`,
          ...ofRequests(places, spot, 'https', space, `${inner} accept-proxy ${secure}`, []),
        ]
      }
    }
  })
}

/** So many gateways a request may pass: one that leads back to here would have every connection that there is, and give none of them back. */
const MOST_TURNS = 10

/** A path that may be another one, written otherwise. */
const ODD_PATH = 'path -m sub % // /.'

/** Where HAProxy speaks to itself: of this folder alone, since other gateways may run beside it. */
export const innerAddress = ({ folder }: Places, name: string): string => `abns@sampan${folder.replaceAll('/', '.')}.${name}`

/** Copies of requests go the way of all others from here on, and are in no count of what clients have got. */
export const mirrorFrontend = (places: Places): readonly string[] => [
  'frontend mirror from base',
  `  bind ${innerAddress(places, 'mirror')}`,
  '  http-request set-var(txn.backend) req.hdr(x-sampan-mirror)',
  '  http-request del-header x-sampan-mirror',
  '  http-request return status 503 unless { var(txn.backend) -m reg ^b[0-9]+$ }',
  '  use_backend %[var(txn.backend)]',
]

function ofRequests(
  places: Places,
  spot: Spot,
  scheme: 'http' | 'https',
  space: string,
  bind: string,
  apart: readonly string[],
): readonly string[] {
  const { exact, prefix, defaults } = places.maps
  const set = (expression: string): string => `  http-request set-var(txn.backend) ${expression}`
  const unled = '!{ var(txn.backend) -m found }'
  const else_ = (expression: string): string => `${set(expression)} if ${unled}`
  const host = space === '' ? 'var(txn.host)' : `str(${space}),concat(,txn.host)`
  const family = space === '' ? 'var(txn.family)' : `str(${space}),concat(,txn.family)`
  const anyHost = space === '' ? 'var(txn.path)' : `str(${space}),concat(,txn.path)`
  // The usual request names its host as it stands in a key, and its route is a backend and nothing else: it is led by two questions, and meets no rule
  // that comes after them.
  const usual =
    space === ''
      ? [
          set(`base,map_str(${exact})`),
          else_(`base,concat(/),map_beg(${prefix})`),
          // What no name has in it may be in the front of a key: a host with a slash in it has found somebody else's.
          `  http-request allow if { var(txn.backend) -m beg b } { req.hdr(host) -m reg ^[A-Za-z0-9._-]+$ } !{ ${ODD_PATH} }`,
          '  http-request unset-var(txn.backend)',
        ]
      : [`  http-request set-var(txn.space) str(${space})`]
  return [
    `frontend web${spotText(spot)} from base`,
    `  bind ${bind}`,
    ...apart,
    ...ringFrontend(),
    // Nobody behind the gateway is a proxy, and no request is shown back to its sender.
    '  http-request deny deny_status 405 if { method CONNECT TRACE }',
    // Where requests are tried again: those that may be repeated. Others are when they have never reached anybody.
    '  http-request disable-l7-retry if { method POST PATCH }',
    // What leads in a circle is known by the word that each gateway leaves (RFC 8586).
    `  http-request return status 508 content-type text/plain string "this route leads back to the gateway\\n" if { req.hdr_cnt(cdn-loop) gt ${MOST_TURNS} }`,
    '  http-request add-header cdn-loop sampan',
    // What a client says about where it comes from is not believed, and gone before it is said anew.
    '  http-request del-header forwarded',
    '  http-request del-header x-forwarded- -m beg',
    '  http-request del-header x_forwarded_ -m beg',
    '  http-request del-header x-real-ip',
    '  http-request del-header proxy',
    '  http-request add-header X-Forwarded-For %[src]',
    '  http-request add-header X-Forwarded-Host %[req.hdr(host)]',
    `  http-request add-header X-Forwarded-Port ${spot.port}`,
    `  http-request add-header X-Forwarded-Proto ${scheme}`,
    // A connection is for the hosts of the listener that it was made to; what asks for its own name is not looked at.
    ...(scheme === 'https'
      ? [
          '  http-request set-var(txn.name) req.hdr(host),field(1,:),lower',
          `  http-request lua.misdirected ${spotText(spot)} if { ssl_fc_has_sni } !{ ssl_fc_sni,lower,strcmp(txn.name) eq 0 }`,
          '  http-request return status 421 if { var(txn.misdirected) -m found }',
        ]
      : []),
    ...usual,
    '  http-request deny deny_status 400 if { req.hdr(host) -m reg [^]A-Za-z0-9.:_[-] }',
    '  http-request deny deny_status 400 if { req.ver 1.1 } !{ req.hdr(host) -m found }',
    '  http-request set-var(txn.path) path',
    // One place may be written in many ways, and whoever leads there reads them all alike: who may ask depends on it.
    `  http-request lua.normal if { ${ODD_PATH} }`,
    '  http-request set-var(txn.host) req.hdr(host),field(1,:),lower,rtrim(.)',
    set(`${host},concat(,txn.path),map_str(${exact})`),
    else_(`${host},concat(,txn.path,/),map_beg(${prefix})`),
    `  http-request set-var(txn.family) var(txn.host),regsub(^[^.]+,*) if ${unled}`,
    else_(`${family},concat(,txn.path),map_str(${exact})`),
    else_(`${family},concat(,txn.path,/),map_beg(${prefix})`),
    // Where stars stand for more than one name, the rest is asked for name by name.
    `${set('str(p)')} if ${unled} { str(${DEEP_KEY}),map_str(${defaults}) -m found }`,
    else_(`${anyHost},map_str(${exact})`),
    else_(`${anyHost},concat(/),map_beg(${prefix})`),
    ...(space === ''
      ? [else_(`var(txn.host),map_str(${defaults})`), else_(`var(txn.family),map_str(${defaults})`), else_(`str(*),map_str(${defaults})`)]
      : []),
    `${set(`var(txn.backend),field(${scheme === 'http' ? 2 : 3},:)`)} if { var(txn.backend) -m beg s: }`,
    '  http-request lua.route if { var(txn.backend) -m beg p }',
    '  http-request return status 404 content-type text/plain string "no route\\n" if !{ var(txn.backend) -m found }',
    '  http-request wait-for-body time 60s if { var(txn.body) -m found }',
    '  http-request lua.mirror if { var(txn.mirror) -m found }',
    '  http-response lua.answer if { var(txn.answer) -m found }',
    // Who is to be led to the same place again is known by a name that says nothing about him.
    '  http-after-response add-header Set-Cookie "sampan-client=%[var(txn.client)]; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax" if { var(txn.client) -m found }',
    '  use_backend %[var(txn.backend)]',
  ]
}

/** Connections by the name that they ask for, which is all that is read of them. `otherwise` is for names that nobody wants; without it they are closed. */
function ofConnections(
  places: Places,
  spot: string,
  bind: string,
  apart: readonly string[],
  otherwise: string | undefined,
): readonly string[] {
  const unled = '!{ var(txn.backend) -m found }'
  const look = `  tcp-request content set-var(txn.backend) str(${spot}:),concat(,txn.name),map_str(${places.maps.sni})`
  const wider = (from: string): readonly string[] => [
    `  tcp-request content set-var(txn.name) var(txn.name),regsub(${from},*) if ${unled}`,
    `${look} if ${unled}`,
  ]
  return [
    `frontend tls${spot} from base`,
    '  mode tcp',
    '  timeout client 1h',
    `  bind ${bind}`,
    ...apart,
    '  tcp-request inspect-delay 5s',
    '  tcp-request content reject if !{ req.ssl_hello_type 1 }',
    '  tcp-request content set-var(txn.name) req.ssl_sni,lower',
    look,
    ...wider('^[^.]+'),
    ...Array.from({ length: DEEPEST_NAME - 1 }, () => wider('^\\*\\.[^.]+')).flat(),
    ...(otherwise === undefined
      ? [`  tcp-request content reject if ${unled}`]
      : [`  tcp-request content set-var(txn.backend) str(${otherwise}) if ${unled}`]),
    '  tcp-request content lua.share if { var(txn.backend) -m beg p }',
    // Nobody is there: what answers requests would say so in plain text to a client that speaks TLS.
    '  tcp-request content reject if !{ var(txn.backend) -m beg t inner }',
    '  use_backend %[var(txn.backend)]',
  ]
}
