import { type Rule, either, integer, list, map, number, object, scalar, set, text, truth } from './rule.ts'

/** Shapes that several parts of a Compose file share. */
export const stringList = set(text)
export const textOrList = either(text, stringList)
export const keyValue: Rule = either(map(scalar('string', 'number', 'boolean', 'null'), /.+/), set(text))
/** `HOST:ADDRESS` texts, or a map of hosts to an address or several. */
export const extraHosts: Rule = either(map(either(text, list(text)), /.+/), set(text))
export const command: Rule = either(scalar('null'), text, list(text))
export const ulimits: Rule = map(either(integer, object({ hard: integer, soft: integer }, 'soft', 'hard')), /^[a-z]+$/)
export const fileMounts: Rule = list(
  either(text, object({ source: text, target: text, uid: text, gid: text, mode: scalar('number', 'string') })),
)
/** `external` of networks, volumes, secrets and configs. */
export const external: Rule = either(truth, object({ name: text }))
export const options: Rule = map(scalar('string', 'number'), /^.+$/)
const devices: Rule = list(
  object({ capabilities: stringList, count: integer, device_ids: stringList, driver: text, options: keyValue }, 'capabilities'),
)
export const hooks: Rule = list(object({ command, user: text, privileged: truth, working_dir: text, environment: keyValue }, 'command'))
export const envFile: Rule = either(text, list(either(text, object({ path: text, format: text, required: truth }, 'path'))))
export const resources: Rule = object({
  limits: object({ cpus: number, memory: text, pids: integer }),
  reservations: object({
    cpus: number,
    memory: text,
    generic_resources: list(object({ discrete_resource_spec: object({ kind: text, value: number }) })),
    devices,
  }),
})
