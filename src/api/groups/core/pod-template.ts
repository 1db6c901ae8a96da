import { defineResource } from '../../define.ts'
import type { FieldErrors } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import { defaultPodTemplate, podTemplateWarnings, validatePodTemplateSpec } from '../../pods/index.ts'
import * as refs from '../../refs.gen.ts'
import type { PodTemplate } from '../../types/core-v1.gen.ts'
import { templateImages, templateNames, isNewlyWanted } from '../../workloads/workload.ts'
import { labelsText } from './labels-text.ts'

const TEMPLATE = Path.of('template')

export const podTemplates = defineResource(refs.podtemplates, {
  strategy: {
    generation: 'spec',
    defaults: (object) => {
      object.template ??= {}
      defaultPodTemplate(object.template)
    },
    validate,
    validateUpdate: (object, _old, errors) => validate(object, errors),
    warnings: (object, old) => (isNewlyWanted(object, old) ? podTemplateWarnings(object.template, TEMPLATE) : []),
    deleteAnswer: 'object',
  },
  columns: {
    Containers: ({ template }) => templateNames(template),
    Images: ({ template }) => templateImages(template),
    'Pod Labels': ({ template }) => labelsText(template?.metadata?.labels) || '<none>',
  },
})

function validate({ template }: PodTemplate, errors: FieldErrors): void {
  validatePodTemplateSpec(template, TEMPLATE, errors)
}
