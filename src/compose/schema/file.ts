import { type Fields, type Rule, either, list, map, object, openMap, scalar, text, truth } from './rule.ts'
import { SERVICE } from './service.ts'
import { external, keyValue, openExternal, options } from './shapes.ts'

const NAME = /^[a-zA-Z0-9._-]+$/
const absent = scalar('null')

const network = object({
  name: text,
  driver: text,
  driver_opts: options,
  ipam: object({
    driver: text,
    config: list(object({ subnet: text, ip_range: text, gateway: text, aux_addresses: map(text, /^.+$/) })),
    options: map(text, /^.+$/),
  }),
  external,
  internal: truth,
  enable_ipv4: truth,
  enable_ipv6: truth,
  attachable: truth,
  labels: keyValue,
})

const volume = object({ name: text, driver: text, driver_opts: options, external, labels: keyValue })

const secret = object({
  name: text,
  environment: text,
  file: text,
  external: openExternal,
  labels: keyValue,
  driver: text,
  driver_opts: options,
  template_driver: text,
})

const config = object({
  name: text,
  content: text,
  environment: text,
  file: text,
  external: openExternal,
  labels: keyValue,
  template_driver: text,
})

const TOP: Fields = {
  version: text,
  name: text,
  services: map(object(SERVICE), NAME),
  models: openMap(object({ name: text, model: text, context_size: scalar('integer'), runtime_flags: list(text) }, 'model'), NAME),
  networks: openMap(either(network, absent), NAME),
  volumes: map(either(volume, absent), NAME),
  secrets: map(secret, NAME),
  configs: map(config, NAME),
}

/** A whole Compose file of the current specification. */
export const COMPOSE_FILE: Rule = object(TOP)
