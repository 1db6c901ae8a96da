import { Components, type Describe } from './components.ts'
import { type Json, V3 } from './dialect.ts'
import { readOperation } from './operations.ts'
import { groupTitle } from './paths.ts'

/** A path that is no resource's, with a document of its own. */
export interface PlainDocument {
  /** In the index of documents: `apis/apps`. */
  readonly path: string
  make(describe: Describe | undefined): Json
  /** The operation that reads it, for a document of more paths. */
  operation(components: Components): Json
}

/** The documents of discovery, of the version and of what else is served to everybody. */
export function plainDocuments(groups: readonly string[], further: readonly string[]): readonly PlainDocument[] {
  const known = FURTHER.filter(({ path }) => path === 'version' || further.includes(`/${path}`))
  return [
    discovery('api', 'core', 'getCoreAPIVersions', 'get available API versions', 'meta.v1.APIVersions'),
    discovery('apis', 'apis', 'getAPIVersions', 'get available API versions', 'meta.v1.APIGroupList'),
    ...groups.map((group) => {
      const title = groupTitle(group, '')
      const tag = `${title.charAt(0).toLowerCase()}${title.slice(1)}`
      return discovery(`apis/${group}`, tag, `get${title}APIGroup`, 'get information of a group', 'meta.v1.APIGroup')
    }),
    ...known,
  ]
}

function discovery(path: string, tag: string, id: string, description: string, type: string): PlainDocument {
  return plain(path, (components) => readOperation(components.dialect, { id, tag, description }, components.builtIn(type)))
}

function plain(path: string, operation: PlainDocument['operation']): PlainDocument {
  return {
    path,
    operation,
    make: (describe) => {
      const components = new Components(V3, describe)
      const get = operation(components)
      const schemas = components.schemas()
      return {
        openapi: '3.0.0',
        info: { title: 'Kubernetes', version: '1.36' },
        paths: { [`/${path}/`]: { get } },
        components: {
          ...(Object.keys(schemas).length === 0 ? {} : { schemas }),
          securitySchemes: {
            BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' },
          },
        },
      }
    },
  }
}

const VERSION_INFO = 'io.k8s.apimachinery.pkg.version.Info'

const FURTHER: readonly PlainDocument[] = [
  text('.well-known/openid-configuration', 'application/json', {
    tag: 'WellKnown',
    id: 'getServiceAccountIssuerOpenIDConfiguration',
    description: "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
  }),
  text('openid/v1/jwks', 'application/jwk-set+json', {
    tag: 'openid',
    id: 'getServiceAccountIssuerOpenIDKeyset',
    description: 'get service account issuer OpenID JSON Web Key Set (contains public token verification keys)',
  }),
  plain('version', (components) =>
    readOperation(
      components.dialect,
      { tag: 'version', id: 'getCodeVersion', description: 'get the version information for this server' },
      components.add(VERSION_INFO, () => versionInfo(components)),
      ['application/json'],
    ),
  ),
]

function text(
  path: string,
  type: string,
  words: { readonly tag: string; readonly id: string; readonly description: string },
): PlainDocument {
  return plain(path, ({ dialect }) => readOperation(dialect, words, { type: 'string' }, [type], []))
}

const ALWAYS = ['major', 'minor', 'gitVersion', 'gitCommit', 'gitTreeState', 'buildDate', 'goVersion', 'compiler', 'platform']
const SOMETIMES = ['emulationMajor', 'emulationMinor', 'minCompatibilityMajor', 'minCompatibilityMinor']

function versionInfo({ dialect, describe }: Components): Json {
  const [whole, fields] = describe(VERSION_INFO) ?? ['', {}]
  const property = (name: string): Json => ({
    ...(fields[name] === undefined ? {} : { description: fields[name] }),
    type: 'string',
    ...(dialect.version === 3 && ALWAYS.includes(name) ? { default: '' } : {}),
  })
  return {
    ...(whole === '' ? {} : { description: whole }),
    type: 'object',
    required: ALWAYS,
    properties: Object.fromEntries([...ALWAYS, ...SOMETIMES].sort().map((name) => [name, property(name)])),
  }
}
