/** What an operation does, as the documents of kube-apiserver say it: `create a Pod`, `list or watch objects of kind Pod`. */
export function actionText(action: string, kind: string, isWatched: boolean): string {
  switch (action) {
    case 'list':
      return `${isWatched ? 'list or watch' : 'list'} objects of kind ${kind}`
    case 'get':
      return `read the specified ${kind}`
    case 'post':
      return `create${articleOf(kind)}${kind}`
    case 'put':
      return `replace the specified ${kind}`
    case 'patch':
      return `partially update the specified ${kind}`
    case 'delete':
      return `delete${articleOf(kind)}${kind}`
    case 'deletecollection':
      return `delete collection of ${kind}`
    case 'watch':
      return `watch changes to an object of kind ${kind}. deprecated: use the 'watch' parameter with a list operation instead, filtered to a single item with the 'fieldSelector' parameter.`
    default:
      return `watch individual changes to a list of ${kind}. deprecated: use the 'watch' parameter with a list operation instead.`
  }
}

/** `read status of the specified Pod`, `create eviction of a Pod`. */
export function subresourceText(action: string, subresource: string, kind: string): string {
  if (action === 'post') return `create ${subresource} of${articleOf(kind)}${kind}`
  const verb = action === 'get' ? 'read' : action === 'put' ? 'replace' : 'partially update'
  return `${verb} ${subresource} of the specified ${kind}`
}

export const connectText = (method: string, subresource: string, kind: string): string =>
  `connect ${method.toUpperCase()} requests to ${subresource} of ${kind}`

/** Between two words, with its spaces: kinds that are plurals have none. */
function articleOf(noun: string): string {
  if (noun.endsWith('s') && !noun.endsWith('ss')) return ' '
  return /^[aeiou]/i.test(noun) ? ' an ' : ' a '
}
