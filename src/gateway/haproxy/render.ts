import { SERVER_SETTINGS } from './plan.ts'
import type { Places } from './places.ts'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MAPS } from '../model/wish.ts'
import { NO_BACKEND, type Told, backendName } from './state.ts'

const SCRIPT = join(import.meta.dirname, 'route.lua')

export interface Listening {
  /** An IPv4 address; checked by the caller. */
  readonly address: string
  readonly httpPort: number
  readonly httpsPort: number
  readonly threads: number
  /** Started by root: ports below 1024 are bound first, then all rights are given up. */
  readonly dropRights: boolean
}

/** Every file that a HAProxy with this state starts from, by path. Numbers, addresses and fixed words; what users write is in the maps alone. */
export function renderFiles(told: Told, places: Places, listening: Listening, ownCertificate: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  for (const { number, pem } of told.certificates.values()) files.set(places.certificate(number), pem)
  files.set(places.certificate(0), ownCertificate)
  files.set(
    places.certificateList,
    // The first one is for names that nobody else has.
    [
      places.certificate(0),
      ...[...told.certificates.values()].map(({ number, names }) => `${places.certificate(number)} ${names.join(' ')}`),
    ]
      .map((line) => `${line}\n`)
      .join(''),
  )
  for (const name of MAPS) files.set(places.maps[name], [...told.maps[name]].map(([key, value]) => `${key} ${value}\n`).join(''))
  files.set(places.programs, [...told.programs.values()].map(({ number, text }) => `${number} ${text}\n`).join(''))
  files.set(places.script, `local folder = "${places.folder}"\n${readFileSync(SCRIPT, 'utf8')}`)
  files.set(places.configuration, [...globals(places, listening), ...frontend(places, listening), ...backends(told), ''].join('\n'))
  return files
}

function globals(places: Places, { threads, dropRights }: Listening): readonly string[] {
  return [
    'global',
    `  stats socket ${places.socket} mode 600 level admin expose-fd listeners`,
    // The gateway keeps its connection while there is nothing to tell.
    '  stats timeout 1d',
    '  maxconn 4096',
    `  nbthread ${threads}`,
    `  lua-load-per-thread ${places.script}`,
    // A connection that never ends does not keep an old process for longer.
    '  hard-stop-after 30s',
    '  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets',
    '  tune.ssl.default-dh-param 2048',
    ...(dropRights ? ['  user haproxy', '  group haproxy', `  chroot ${places.emptyFolder}`] : []),
    'defaults',
    '  mode http',
    '  balance roundrobin',
    // Only connections that were never made are tried again, at once at another server.
    '  retries 3',
    '  option redispatch 1',
    '  option http-ignore-probes',
    '  timeout connect 2s',
    '  timeout client 60s',
    '  timeout client-fin 10s',
    '  timeout http-request 10s',
    '  timeout http-keep-alive 60s',
    '  timeout server 60s',
    '  timeout queue 5s',
    '  timeout tunnel 1h',
  ]
}

function frontend(places: Places, { address, httpPort, httpsPort }: Listening): readonly string[] {
  const { exact, prefix, defaults } = places.maps
  const first = (expression: string): string => `  http-request set-var(txn.backend) ${expression}`
  const unled = '!{ var(txn.backend) -m found }'
  const unusual = '!{ var(txn.plain) -m found }'
  const else_ = (expression: string): string => `${first(expression)} if ${unled}`
  return [
    'frontend web',
    `  bind ${address}:${httpPort}`,
    `  bind ${address}:${httpsPort} ssl crt-list ${places.certificateList} alpn h2,http/1.1`,
    // Nobody behind the gateway is a proxy, and no request is shown back to its sender.
    '  http-request deny deny_status 405 if { method CONNECT TRACE }',
    '  http-request set-var(txn.path) path',
    '  http-request set-var(txn.host) req.hdr(host),field(1,:),lower,rtrim(.)',
    first(`var(txn.host),concat(,txn.path),map_str(${exact})`),
    else_(`var(txn.host),concat(,txn.path,/),map_beg(${prefix})`),
    // The usual request is led by now, and its host, as it stands, is one that somebody has a rule for: what follows costs the others only.
    `  http-request set-var(txn.plain) bool(true) if { var(txn.backend) -m found } { req.hdr(host),strcmp(txn.host) eq 0 }`,
    `  http-request deny deny_status 400 if ${unusual} { req.hdr(host) -m reg [^]A-Za-z0-9.:_[-] }`,
    `  http-request deny deny_status 400 if ${unusual} { req.ver 1.1 } !{ req.hdr(host) -m found }`,
    `  http-request set-var(txn.family) var(txn.host),regsub(^[^.]+,*) if ${unled}`,
    else_(`var(txn.family),concat(,txn.path),map_str(${exact})`),
    else_(`var(txn.family),concat(,txn.path,/),map_beg(${prefix})`),
    else_(`var(txn.path),map_str(${exact})`),
    else_(`var(txn.path),concat(/),map_beg(${prefix})`),
    else_(`var(txn.host),map_str(${defaults})`),
    else_(`var(txn.family),map_str(${defaults})`),
    else_(`str(*),map_str(${defaults})`),
    // What a client says about where it comes from is not believed.
    '  http-request del-header forwarded',
    '  http-request del-header x-forwarded- -m beg',
    '  http-request del-header x_forwarded_ -m beg',
    '  http-request del-header x-real-ip',
    '  http-request del-header proxy',
    '  http-request set-header X-Forwarded-For %[src]',
    '  http-request set-header X-Forwarded-Host %[req.hdr(host)]',
    '  http-request set-header X-Forwarded-Port %[dst_port]',
    '  http-request set-header X-Forwarded-Proto https if { ssl_fc }',
    '  http-request set-header X-Forwarded-Proto http if !{ ssl_fc }',
    '  http-request lua.route if { var(txn.backend) -m beg p }',
    '  http-request return status 404 content-type text/plain string "no route\\n" if !{ var(txn.backend) -m found }',
    // Who is to be led to the same place again is known by a name that says nothing about him.
    '  http-after-response add-header Set-Cookie "sampan-client=%[var(txn.client)]; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax" if { var(txn.client) -m found }',
    '  use_backend %[var(txn.backend)]',
  ]
}

function backends({ poolSize, slots }: Told): readonly string[] {
  const bySlot = new Map([...slots.values()].map((slot) => [slot.number, slot]))
  return [
    `backend ${NO_BACKEND}`,
    ...Array.from({ length: poolSize }, (_, number) => [
      `backend ${backendName(number)}`,
      ...[...(bySlot.get(number)?.servers ?? [])].map(([address, name]) => `  server ${name} ${address} ${SERVER_SETTINGS}`),
    ]).flat(),
  ]
}
