// The jobs of this Jenkins, by the plug-in "job-dsl": casc.yaml has it done at each start. Secrets lie where casc.yaml finds its own.
import com.cloudbees.plugins.credentials.SecretBytes
import hudson.util.Secret

String gitHubOwner = System.getenv('GITHUB_OWNER')
String gitHubRepository = System.getenv('GITHUB_REPOSITORY')
Closure read = { String name -> new File(System.getenv('SECRETS'), name).text.trim() }
Closure sealed = { String name -> Secret.fromString(read(name)).encryptedValue }

// Each branch by its own Jenkinsfile. Whoever may push one may have it tell what it reaches, which is the credential that reads the repository.
multibranchPipelineJob('hannip') {
  branchSources {
    github {
      id('hannip')
      repoOwner(gitHubOwner)
      repository(gitHubRepository)
      scanCredentialsId('hannip-git')
      // The delivery checks it.
      excludes('main')
      buildOriginBranch(true)
      buildOriginPRMerge(true)
      // Strangers' changes are not built: who may not push has nothing run here.
      buildForkPRMerge(false)
    }
  }
  factory { workflowBranchProjectFactory { scriptPath('jenkins/Jenkinsfile') } }
  orphanedItemStrategy { discardOldItems { daysToKeep(7) } }
  // The webhook says when; this is for those that were lost.
  triggers { periodicFolderTrigger { interval('1h') } }
}

// What is needed to sign, to write what is deployed, and to ask staging's operators, and where that is done: for the jobs in this folder, and no others.
String gitOpsRepository = sealed('GITOPS_REPOSITORY')
String operatorToken = sealed('STAGING_OPERATOR_TOKEN')
String cosignPassword = sealed('COSIGN_PASSWORD')
String cosignKey = SecretBytes.fromBytes(read('COSIGN_KEY_BASE64').decodeBase64()).toString()

folder('hannip-delivery') {
  properties {
    folderCredentialsProperty {
      domainCredentials {
        domainCredentials {
          domain {
            name('delivery')
            description('What brings main to staging and production')
          }
        }
      }
    }
  }
  // The language of jobs has no words for these two kinds of credential (JENKINS-59971), so they are written as Jenkins keeps them.
  configure { folder ->
    folder / 'properties' / 'org.csanchez.jenkins.plugins.kubernetes.KubernetesFolderProperty' / 'permittedClouds' << 'string'('delivery')
    def kept = folder / 'properties' / 'com.cloudbees.hudson.plugins.folder.properties.FolderCredentialsProvider_-FolderCredentialsProperty' /
      'domainCredentialsMap' / 'entry' / 'java.util.concurrent.CopyOnWriteArrayList'
    kept << 'org.jenkinsci.plugins.plaincredentials.impl.StringCredentialsImpl' {
      scope('GLOBAL')
      id('hannip-gitops-repository')
      secret(gitOpsRepository)
    }
    kept << 'org.jenkinsci.plugins.plaincredentials.impl.StringCredentialsImpl' {
      scope('GLOBAL')
      id('hannip-staging-operator-token')
      secret(operatorToken)
    }
    kept << 'org.jenkinsci.plugins.plaincredentials.impl.StringCredentialsImpl' {
      scope('GLOBAL')
      id('hannip-cosign-password')
      secret(cosignPassword)
    }
    kept << 'org.jenkinsci.plugins.plaincredentials.impl.FileCredentialsImpl' {
      scope('GLOBAL')
      id('hannip-cosign-key')
      fileName('cosign.key')
      secretBytes(cosignKey)
    }
  }
}

pipelineJob('hannip-delivery/main') {
  properties { pipelineTriggers { triggers { githubPush() } } }
  definition {
    cpsScm {
      scm {
        git {
          remote {
            github(gitHubOwner + '/' + gitHubRepository)
            credentials('hannip-git')
          }
          branch('main')
        }
      }
      scriptPath('jenkins/delivery/Jenkinsfile')
      lightweight(true)
    }
  }
}
