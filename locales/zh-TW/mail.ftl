mail-greeting = { $name } 您好：
mail-greeting-unnamed = 您好：
mail-footer = 由 { $address } 的 Countersign 寄出。請勿回覆此地址。
mail-footer-of = 由 { $name }（{ $address }）寄出。請勿回覆此地址。
mail-verify-email-subject = 驗證您的地址
mail-verify-email-body = 請開啟此頁面，確認這是您的地址。連結三天內有效。

    若您沒有註冊，請忽略這封郵件：沒有按下確認就不會發生任何事。
mail-verify-email-button = 驗證我的地址
mail-already-registered-subject = 您已經有帳號
mail-already-registered-body = 有人（可能是您）試圖以這個地址註冊。它已經有帳號，因此沒有任何變更。

    若您忘記密碼，可以設定新密碼。
mail-already-registered-button = 設定新密碼
mail-reset-password-subject = 設定新密碼
mail-reset-password-body = 請開啟此頁面設定新密碼。連結一小時內有效，只能使用一次。

    若不是您要求的，請忽略這封郵件：您的密碼不會改變。
mail-reset-password-button = 設定新密碼
mail-verify-new-email-subject = 驗證您的新地址
mail-verify-new-email-body = 請在登入狀態下開啟此頁面，讓這個地址成為您帳號的地址。連結三天內有效。

    若您在這裡沒有帳號，請忽略這封郵件：沒有按下確認就不會發生任何事。
mail-verify-new-email-button = 使用這個地址
mail-email-changed-subject = 您的帳號已改用另一個地址
mail-email-changed-body = 您帳號的地址已變更為 { $other }，這個地址不再能用來登入。

    若不是您本人所為，請立即聯絡本站的管理者。
mail-email-changed-button = 查看處理方式
mail-request-settled-subject = { $other } 對「{ $dataset }」的申請：{ $stage }
mail-request-settled-body = 您受邀審查的申請（{ $other } 申請「{ $dataset }」）{ $stage }，您不需再做任何事。
mail-request-settled-button = 查看申請
mail-stage-approved = 已核准
mail-stage-rejected = 未獲核准
mail-stage-returned = 已退回修改
mail-stage-withdrawn = 已撤回
mail-quorum-out-of-reach-subject = { $other } 申請「{ $dataset }」，審查者人數不足，無法作成決定
mail-quorum-out-of-reach-body = { $other } 已簽署「{ $dataset }」的協議。能投票的審查者人數不足以達到所需的核准數。您身為負責人，可以增加審查者，或代為決定。
mail-quorum-out-of-reach-button = 閱讀申請
mail-still-waiting-subject = 提醒：{ $other } 等候「{ $dataset }」的決定
mail-still-waiting-body = { $other } 於 { $date } 申請「{ $dataset }」，仍在等候您的決定。
mail-still-waiting-button = 閱讀申請
mail-overdue-subject = 逾期：{ $other } 等候「{ $dataset }」的決定
mail-overdue-body = { $other } 於 { $date } 申請「{ $dataset }」，委員會作成決定的期限已過。尚未投票的委員，以及負責人，都會收到這封信；負責人可代委員會決定。
mail-overdue-button = 閱讀申請
mail-one-approval-missing-subject = 只差一票核准：{ $other } 申請「{ $dataset }」
mail-one-approval-missing-body = 已有審查者核准 { $other } 對「{ $dataset }」的申請。再有一票核准即可通過，您可以投這一票。
mail-one-approval-missing-button = 閱讀申請
mail-request-received-subject = 已收到您對「{ $dataset }」的申請
mail-request-received-body = 您已簽署「{ $dataset }」的協議，申請已交給審查者。有決定時您會立即收到郵件。

    申請頁面上有您簽署的收據。
mail-request-received-button = 查看申請進度
mail-review-waiting-subject = { $other } 申請「{ $dataset }」
mail-review-waiting-body = { $other } 已簽署「{ $dataset }」的協議，正在等待您的決定。
mail-review-waiting-button = 閱讀申請
mail-approved-subject = 您可以下載「{ $dataset }」
mail-approved-body = 您對「{ $dataset }」的申請已獲核准，授權有效至{ $date }。
mail-approved-button = 查看下載方式
mail-approved-to-sign-subject = 「{ $dataset }」已核准，請簽署變更的內容
mail-approved-to-sign-body = 您對「{ $dataset }」的申請已核准，到{ $date }為止。您簽署之後，其中一份協議有了新版本；簽署新版本之後立即可以下載。
mail-approved-to-sign-button = 查看變更並簽署
mail-approved-suspended-subject = 「{ $dataset }」已核准，但授權仍在停用中
mail-approved-suspended-body = 您對「{ $dataset }」的申請已核准，到{ $date }為止。您的授權先前已被停用，目前仍是如此；資料集管理者恢復之後即可下載。
mail-approved-suspended-button = 查看申請
mail-rejected-subject = 您對「{ $dataset }」的申請未獲核准
mail-rejected-body = 您對「{ $dataset }」的申請未獲核准。審查者寫道：
mail-rejected-button = 查看決定
mail-returned-subject = 請修改您對「{ $dataset }」的申請
mail-returned-body = 審查者請您修改對「{ $dataset }」的申請。您寫過的內容都還在；修改後請重新簽署。
mail-returned-button = 回覆審查者
mail-grant-revoked-subject = 您對「{ $dataset }」的授權已撤銷
mail-grant-revoked-body = 您對「{ $dataset }」的授權已被撤銷，其下載與權杖不再有效。理由如下：
mail-grant-revoked-button = 查看資料集
mail-grant-suspended-subject = 您對「{ $dataset }」的授權已停用
mail-grant-suspended-body = 您對「{ $dataset }」的授權已停用。在恢復之前無法下載，權杖也不能使用。理由如下：
mail-grant-suspended-button = 查看資料集
mail-grant-resumed-subject = 您對「{ $dataset }」的授權已恢復
mail-grant-resumed-body = 您對「{ $dataset }」的授權已恢復，可以再下載，權杖也可以使用。若須先簽署協議的新版本，資料集頁面會說明。
mail-grant-resumed-button = 查看資料集
mail-grant-end-changed-subject = 您對「{ $dataset }」的授權將於{ $date }結束
mail-grant-end-changed-body = 您對「{ $dataset }」的授權期限已變更，最後一天為{ $date }（UTC）。理由如下：
mail-grant-end-changed-button = 查看資料集
mail-grant-ending-subject = 您對「{ $dataset }」的授權即將結束
mail-grant-ending-body = 您對「{ $dataset }」的授權將於{ $date }結束。若需要更久，請重新簽署協議。
mail-grant-ending-button = 查看資料集
mail-new-version-published-subject = 「{ $title }」有新版本，簽署期限{ $date }
mail-new-version-published-body = 您簽署過的「{ $title }」有了新版本。請於{ $date }（UTC）當日或之前簽署，以保留您的授權。頁面會逐字列出變更之處。
mail-new-version-published-button = 查看變更並簽署
mail-new-version-reminder-subject = 「{ $title }」新版本的簽署期限為{ $date }
mail-new-version-reminder-body = 您尚未為目前的授權簽署「{ $title }」的新版本。若未簽署，授權將於{ $date }（UTC）結束時暫停；之後補簽即可恢復。
mail-new-version-reminder-button = 查看變更並簽署
mail-new-version-stopped-subject = 您的授權已暫停，請簽署「{ $title }」
mail-new-version-stopped-body = 「{ $title }」的新版本須於{ $date }（UTC）當日或之前簽署，您的授權因此已暫停。簽署之後立即可以繼續下載。
mail-new-version-stopped-button = 查看變更並簽署
mail-project-invitation-subject = 您受邀加入一個計畫
mail-project-invitation-body = { $other } 邀請您加入一個計畫。請以此地址登入或註冊，即可查看計畫用途並加入。

    若您不認識對方，請忽略這封郵件：沒有您的操作就不會發生任何事。
mail-project-invitation-button = 查看計畫
mail-member-joined-subject = { $other } 已加入您的計畫
mail-member-joined-body = { $other } 已加入您的計畫「{ $title }」。成員自行簽署協議後即可下載。
mail-member-joined-button = 查看計畫
mail-member-to-sign-subject = 請簽署「{ $dataset }」
mail-member-to-sign-body = { $other } 已為您參與的計畫申請「{ $dataset }」。請自行簽署協議，即可隨計畫取得授權。
mail-member-to-sign-button = 閱讀並簽署
mail-member-removed-subject = 您已不是計畫成員
mail-member-removed-body = 您已被移出計畫「{ $title }」，無法再以其授權下載或使用權杖。
mail-member-removed-button = 查看您的計畫
mail-organisation-invitation-subject = 您受邀擔任{ $title }的{ $stage }
mail-organisation-invitation-body = { $other } 邀請您擔任{ $title }的{ $stage }。請以此地址登入或註冊，並在開啟的頁面上接受邀請。

    若您不認識對方，請忽略這封郵件：沒有您的操作就不會發生任何事。
mail-organisation-invitation-button = 查看邀請
mail-organisation-left-subject = 您已不再為{ $title }管理資料
mail-organisation-left-body = { $title }的負責人已結束您的職務，您不再看得到其內容。
mail-organisation-left-button = 查看資料集
mail-dataset-offered-subject = 有人提議將「{ $dataset }」移交給{ $title }
mail-dataset-offered-body = 另一個機構提議將「{ $dataset }」連同其協議與已給予的授權移交給{ $title }。您身為負責人，可以接受或婉拒。
mail-dataset-offered-button = 查看提議
