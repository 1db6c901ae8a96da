import {
  atMost128Matches,
  backend,
  filterOf,
  headerFilter,
  headerMatch,
  hostnames,
  localReference,
  mirrorFilter,
  onlyOnce,
  parentRefs,
  routeStatus,
  uniqueRuleNames,
} from './parts.ts'
import {
  type Rule,
  type Schema,
  definition,
  duration,
  flag,
  headerName,
  list,
  listBy,
  must,
  object,
  oneOf,
  port,
  preciseHostname,
  sectionName,
  text,
  whole,
  withRules,
} from './schema.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'] as const
const PATH_CHARACTERS = "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$"
const literalPath = (rule: string): string => `(self.type in ['Exact','PathPrefix']) ? ${rule} : true`
const mayNotContain = (part: string): Rule =>
  must(`must not contain '${part}' when type one of ['Exact', 'PathPrefix']`, literalPath(`!self.value.contains('${part}')`))
const mayNotEndWith = (part: string): Rule =>
  must(`must not end with '${part}' when type one of ['Exact', 'PathPrefix']`, literalPath(`!self.value.endsWith('${part}')`))

const pathMatch = withRules(
  object(
    {
      type: { ...oneOf('Exact', 'PathPrefix', 'RegularExpression'), default: 'PathPrefix' },
      value: text({ maxLength: 1024, default: '/' }),
    },
    [],
    { default: { type: 'PathPrefix', value: '/' } },
  ),
  must(
    "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']",
    literalPath("self.value.startsWith('/')"),
  ),
  ...['//', '/./', '/../', '%2f', '%2F', '#'].map(mayNotContain),
  ...['/..', '/.'].map(mayNotEndWith),
  must(
    "type must be one of ['Exact', 'PathPrefix', 'RegularExpression']",
    "self.type in ['Exact','PathPrefix'] || self.type == 'RegularExpression'",
  ),
  must(
    `must only contain valid characters (matching ${PATH_CHARACTERS}) for types ['Exact', 'PathPrefix']`,
    literalPath(`self.value.matches(r"""${PATH_CHARACTERS}""")`),
  ),
)

const queryMatch = object(
  {
    type: { ...oneOf('Exact', 'RegularExpression'), default: 'Exact' },
    name: headerName,
    value: text({ minLength: 1, maxLength: 1024 }),
  },
  ['name', 'value'],
)
const match = object({
  path: pathMatch,
  headers: listBy('name', headerMatch, 16),
  queryParams: listBy('name', queryMatch, 16),
  method: oneOf(...METHODS),
})
const everyPath = [{ path: { type: 'PathPrefix', value: '/' } }]

const pathModifier = withRules(
  object(
    {
      type: oneOf('ReplaceFullPath', 'ReplacePrefixMatch'),
      replaceFullPath: text({ maxLength: 1024 }),
      replacePrefixMatch: text({ maxLength: 1024 }),
    },
    ['type'],
  ),
  must(
    "replaceFullPath must be specified when type is set to 'ReplaceFullPath'",
    "self.type == 'ReplaceFullPath' ? has(self.replaceFullPath) : true",
  ),
  must("type must be 'ReplaceFullPath' when replaceFullPath is set", "has(self.replaceFullPath) ? self.type == 'ReplaceFullPath' : true"),
  must(
    "replacePrefixMatch must be specified when type is set to 'ReplacePrefixMatch'",
    "self.type == 'ReplacePrefixMatch' ? has(self.replacePrefixMatch) : true",
  ),
  must(
    "type must be 'ReplacePrefixMatch' when replacePrefixMatch is set",
    "has(self.replacePrefixMatch) ? self.type == 'ReplacePrefixMatch' : true",
  ),
)

const set = { 'x-kubernetes-list-type': 'set' } as const
const loneStar = (message: string): Rule => must(message, "!('*' in self && self.size() > 1)")
const cors = object({
  allowOrigins: withRules(
    list(
      text({
        minLength: 1,
        maxLength: 253,
        pattern: '(^\\*$)|(^(http(s)?):\\/\\/(((\\*\\.)?([a-zA-Z0-9\\-]+\\.)*[a-zA-Z0-9-]+|\\*)(:([0-9]{1,5}))?)$)',
      }),
      64,
      set,
    ),
    loneStar("AllowOrigins cannot contain '*' alongside other origins"),
  ),
  allowCredentials: flag,
  allowMethods: withRules(list(oneOf(...METHODS, '*'), 9, set), loneStar("AllowMethods cannot contain '*' alongside other methods")),
  allowHeaders: withRules(list(headerName, 64, set), loneStar("AllowHeaders cannot contain '*' alongside other methods")),
  exposeHeaders: list(headerName, 64, set),
  maxAge: whole(1, undefined, { default: 5 }),
})

const filter = filterOf({
  requestHeaderModifier: ['RequestHeaderModifier', headerFilter],
  responseHeaderModifier: ['ResponseHeaderModifier', headerFilter],
  requestMirror: ['RequestMirror', mirrorFilter],
  requestRedirect: [
    'RequestRedirect',
    object({
      scheme: oneOf('http', 'https'),
      hostname: preciseHostname,
      path: pathModifier,
      port,
      statusCode: { type: 'integer', enum: [301, 302, 303, 307, 308], default: 302 },
    }),
  ],
  urlRewrite: ['URLRewrite', object({ hostname: preciseHostname, path: pathModifier })],
  cors: ['CORS', cors],
  extensionRef: ['ExtensionRef', localReference],
})
const filters: Schema = withRules(
  list(filter, 16),
  must(
    'May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both',
    "!(self.exists(f, f.type == 'RequestRedirect') && self.exists(f, f.type == 'URLRewrite'))",
  ),
  ...['CORS', 'RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestRedirect', 'URLRewrite'].map(onlyOnce),
)

const prefixFilter = (field: string): string =>
  `has(f.${field}) && has(f.${field}.path) && f.${field}.path.type == 'ReplacePrefixMatch' && has(f.${field}.path.replacePrefixMatch)`
const onePrefix = "((size(self.matches) != 1 || !has(self.matches[0].path) || self.matches[0].path.type != 'PathPrefix') ? false : true)"
const prefixRule = (start: string, filterType: string, field: string): Rule =>
  must(
    `${start} using ${filterType} filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified`,
    start === 'When'
      ? `(has(self.filters) && self.filters.exists_one(f, ${prefixFilter(field)})) ? ${onePrefix} : true`
      : `(has(self.backendRefs) && self.backendRefs.exists_one(b, (has(b.filters) && b.filters.exists_one(f, ${prefixFilter(field)})))) ? ${onePrefix} : true`,
  )

const rule = withRules(
  object({
    name: sectionName,
    matches: list(match, 64, { default: everyPath }),
    filters,
    backendRefs: list(backend(filters), 16),
    timeouts: withRules(
      object({ request: duration, backendRequest: duration }),
      must(
        'backendRequest timeout cannot be longer than request timeout',
        "!(has(self.request) && has(self.backendRequest) && duration(self.request) != duration('0s') && duration(self.backendRequest) > duration(self.request))",
      ),
    ),
    retry: object({
      codes: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'integer', minimum: 400, maximum: 599 } },
      attempts: { type: 'integer' },
      backoff: duration,
    }),
  }),
  must(
    'RequestRedirect filter must not be used together with backendRefs',
    '(has(self.backendRefs) && size(self.backendRefs) > 0) ? (!has(self.filters) || self.filters.all(f, !has(f.requestRedirect))): true',
  ),
  prefixRule('When', 'RequestRedirect', 'requestRedirect'),
  prefixRule('When', 'URLRewrite', 'urlRewrite'),
  prefixRule('Within backendRefs, when', 'RequestRedirect', 'requestRedirect'),
  prefixRule('Within backendRefs, When', 'URLRewrite', 'urlRewrite'),
)

export const httpRoute = definition({
  kind: 'HTTPRoute',
  plural: 'httproutes',
  scope: 'Namespaced',
  columns: [['Hostnames', '.spec.hostnames']],
  versions: ['v1', 'v1beta1'],
  stored: 'v1',
  spec: object({
    parentRefs,
    hostnames,
    rules: withRules(
      list(rule, 16, { minItems: 1, default: [{ matches: everyPath }] }),
      uniqueRuleNames,
      atMost128Matches((one) => `${one}.matches.size()`),
    ),
  }),
  status: routeStatus,
})
