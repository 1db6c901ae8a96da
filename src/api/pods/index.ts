export { defaultPod, defaultPodTemplate } from './defaults.ts'
export { validatePodTemplateSpec } from './validate/pod-template.ts'
export { validateTolerations } from './validate/scheduling/scheduling.ts'
export { podTemplateWarnings, podWarnings } from './warnings/warnings.ts'
